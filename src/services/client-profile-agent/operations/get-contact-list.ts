import { sessionOperation } from '../operation.ts';
import { readEmpty } from '../read-request.ts';

/** The caller's groups in their order, each with its contacts. Source: documented; the name inferred. */
export const getContactList = sessionOperation({
  name: 'get-contact-list',
  session: 'enduser',
  read: readEmpty,
  async run({ contactLists, counters }, _request, session) {
    const kept = contactLists.peek(session.userPkid);
    counters.contactListRead(kept ? 'cache' : 'ids');
    return kept ?? (await contactLists.load(session.userPkid));
  },
});
