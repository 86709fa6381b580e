import { polledPresence } from '../../actions/read-presence.ts';
import { PwsFault } from '../../errors.ts';
import { childContacts, childText, toPresenceType } from '../../read-request.ts';
import { writePresence } from '../../write-presence.ts';
import type { Operation } from '../operation.ts';

/** The present state of any contacts. Source: seen in the product's 10.x interface; its action is `getPresence`. */
export const getPolledPresence: Operation = {
  name: 'getPolledPresence',
  who: 'enduser',
  failure: 'internal',
  async run(needs, payload, session) {
    const type = toPresenceType(childText(payload, 'presenceType'));
    const contacts = childContacts(payload);
    if (!contacts) throw new PwsFault('noContactList');
    return writePresence('p:', type, await polledPresence(needs, session, contacts, type));
  },
};
