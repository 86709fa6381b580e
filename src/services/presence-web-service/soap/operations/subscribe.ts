import { textElement } from '../../../../xml/write.ts';
import { subscribe as open } from '../../actions/subscriptions.ts';
import { childContacts, childId, childNumber, childText } from '../../read-request.ts';
import type { Operation } from '../operation.ts';

/** Watches contacts; adds some to a subscription, renews it, or both. Source: seen in the product's 10.x interface. */
export const subscribe: Operation = {
  name: 'subscribe',
  who: 'enduser',
  failure: 'subscribeFailed',
  async run(needs, payload, session) {
    const id = await open(needs, session, {
      id: childId(payload, 'subscriptionID', 'noSubscription'),
      type: childText(payload, 'subscriptionType')?.trim() ?? '',
      contacts: childContacts(payload),
      expiration: childNumber(payload, 'expiration'),
      endPointId: childId(payload, 'endPointID', 'noEndpoint'),
    });
    return textElement('p:subscriptionID', id);
  },
};
