import { editContacts, resolveContacts } from '../contacts/edit-contacts.ts';
import { checkName } from '../contacts/names-of-contacts.ts';
import { sessionOperation } from '../operation.ts';
import { readContactList } from '../read-request.ts';

/**
 * Renames contacts, moves them to another group (made if missing), or both; user id and domain cannot change.
 * Source: documented; the form is ours.
 */
export const modifyContact = sessionOperation({
  name: 'modify-contact',
  session: 'enduser',
  read: (payload, needs) => readContactList(payload, needs.domain),
  async run(needs, groups, session) {
    const contacts = await resolveContacts(
      needs,
      session,
      groups.flatMap(({ personas }) => personas),
    );
    return await editContacts(needs, session, (book) => {
      for (const group of groups) {
        for (const persona of group.personas) {
          const contact = contacts.get(persona);
          const newGroup = persona.newGroup === undefined ? undefined : checkName(persona.newGroup);
          if (contact) book.modifyContact(checkName(group.name), contact, newGroup);
        }
      }
    });
  },
});
