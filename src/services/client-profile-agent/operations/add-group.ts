import { editContacts } from '../contacts/edit-contacts.ts';
import { checkName } from '../contacts/names-of-contacts.ts';
import { sessionOperation } from '../operation.ts';
import { readGroups } from '../read-request.ts';

/** Makes groups; one that exists is no error. Source: documented; the name inferred, the form ours. */
export const addGroup = sessionOperation({
  name: 'add-group',
  session: 'enduser',
  read: readGroups,
  run: (needs, groups, session) =>
    editContacts(needs, session, (book) => {
      for (const { name } of groups) book.ensureGroup(checkName(name));
    }),
});
