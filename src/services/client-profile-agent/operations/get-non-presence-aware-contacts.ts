import { join } from '../../../xml/write.ts';
import { nonPresenceAwareContacts } from '../config-sections.ts';
import { sessionOperation } from '../operation.ts';
import { readEmpty } from '../read-request.ts';

/** Contacts whose presence the user does not want to see, by group. Source: inferred; the answer's form is ours. */
export const getNonPresenceAwareContacts = sessionOperation({
  name: 'get-non-presence-aware-contacts',
  session: 'enduser',
  read: readEmpty,
  run: async (needs, _request, session) => join(await nonPresenceAwareContacts(needs, session)),
});
