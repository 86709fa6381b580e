import { editContacts } from '../contacts/edit-contacts.ts';
import { sessionOperation } from '../operation.ts';
import { readGroups } from '../read-request.ts';

/** Removes groups; a contact left in no group goes too. Source: documented; the form is ours. */
export const deleteGroup = sessionOperation({
  name: 'delete-group',
  session: 'enduser',
  read: readGroups,
  run: (needs, groups, session) =>
    editContacts(needs, session, (book) => {
      for (const { name } of groups) book.deleteGroup(name.normalize('NFC'));
    }),
});
