import { element } from '../../../../xml/element.ts';
import { unsubscribe as leave } from '../../actions/subscriptions.ts';
import { PwsFault } from '../../errors.ts';
import { childContacts, childId } from '../../read-request.ts';
import type { Operation } from '../operation.ts';
import { SUCCESS } from '../status.ts';

/** Takes contacts out of a subscription, or ends it. Source: seen in the product's 10.x interface. */
export const unsubscribe: Operation = {
  name: 'unsubscribe',
  who: 'enduser',
  failure: 'unsubscribeFailed',
  async run(needs, payload, session) {
    const request = element(payload, 'unsubscribeRequest') ?? payload;
    const id = childId(request, 'subscriptionID', 'noSubscription');
    // Empty, or with a value such as `true`: being there is what counts.
    const isAll = element(request, 'unsubscribeAll') !== undefined;
    const contacts = isAll ? null : childContacts(request);
    if (!isAll && !contacts) throw new PwsFault('noContactList');
    await leave(needs, session, id, contacts);
    return SUCCESS;
  },
};
