import { editContacts } from '../contacts/edit-contacts.ts';
import { sessionOperation } from '../operation.ts';
import { readContactList } from '../read-request.ts';

/** Removes contacts from the groups named only; what is absent is no error. Source: seen; the effect is ours. */
export const deleteContact = sessionOperation({
  name: 'delete-contact',
  session: 'enduser',
  read: (payload, needs) => readContactList(payload, needs.domain),
  run: (needs, groups, session) =>
    editContacts(needs, session, (book) => {
      for (const { name, personas } of groups) {
        for (const { user, domain } of personas) book.deleteContact(name.normalize('NFC'), user, domain);
      }
    }),
});
