import { subscribedPresence } from '../../actions/read-presence.ts';
import { childId, childText, toPresenceType } from '../../read-request.ts';
import { writePresence } from '../../write-presence.ts';
import type { Operation } from '../operation.ts';

/** The present state of a subscription's contacts; sets the next callback free. Source: seen in the product's 10.x interface. */
export const getSubscribedPresence: Operation = {
  name: 'getSubscribedPresence',
  who: 'enduser',
  failure: 'internal',
  async run(needs, payload, session) {
    const type = toPresenceType(childText(payload, 'presenceType'));
    const id = childId(payload, 'subscriptionID', 'noSubscription');
    return writePresence('p:', type, await subscribedPresence(needs, session, id, type));
  },
};
