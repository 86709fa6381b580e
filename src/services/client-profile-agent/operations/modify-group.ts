import { editContacts } from '../contacts/edit-contacts.ts';
import { checkName } from '../contacts/names-of-contacts.ts';
import { CpaFault } from '../errors.ts';
import { sessionOperation } from '../operation.ts';
import { readGroups } from '../read-request.ts';

/** Renames groups, which keep their contacts. Source: documented; the form is ours. */
export const modifyGroup = sessionOperation({
  name: 'modify-group',
  session: 'enduser',
  read: (payload) =>
    readGroups(payload).map(({ name, newName }) => {
      if (newName === undefined) throw new CpaFault('notUnderstood', 'group needs the attribute new-name');
      return { name, newName };
    }),
  run: (needs, groups, session) =>
    editContacts(needs, session, (book) => {
      for (const { name, newName } of groups) book.renameGroup(name.normalize('NFC'), checkName(newName));
    }),
});
