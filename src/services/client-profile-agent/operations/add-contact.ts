import { editContacts, resolveContacts } from '../contacts/edit-contacts.ts';
import { checkName } from '../contacts/names-of-contacts.ts';
import { sessionOperation } from '../operation.ts';
import { readContactList } from '../read-request.ts';

/**
 * Adds contacts by group and makes groups that are missing. A contact already there is no error: its nickname is taken
 * over if one is given. Source: seen; the treatment of what is there already is ours.
 */
export const addContact = sessionOperation({
  name: 'add-contact',
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
        const name = checkName(group.name);
        book.ensureGroup(name);
        for (const persona of group.personas) {
          const contact = contacts.get(persona);
          if (contact) book.addContact(name, contact);
        }
      }
    });
  },
});
