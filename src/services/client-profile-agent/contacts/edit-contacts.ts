import type { ClientSession } from '../../login-datastore/login-datastore.ts';
import { SUCCESS } from '../answers.ts';
import { Refusal } from '../errors.ts';
import type { AnswerContent, OperationNeeds } from '../operation.ts';
import type { PersonaId } from '../read-request.ts';
import type { ContactBook, NewContact } from './contact-book.ts';
import { loadContactBook, saveContactBook, shapeOf } from './contact-book-store.ts';
import { checkContact, checkNickname, contactKey } from './names-of-contacts.ts';

/**
 * Changes the caller's list in one transaction: whole or, when `edit` refuses, not at all. A list that would come to
 * hold more contacts than allowed is refused; one that is over the limit already may shrink.
 */
export async function editContacts(
  needs: OperationNeeds,
  session: ClientSession,
  edit: (book: ContactBook) => void,
): Promise<AnswerContent> {
  await needs.ids.transaction('client', async (trx) => {
    const book = await loadContactBook(trx, session.userPkid);
    const before = shapeOf(book);
    edit(book);
    if (book.contacts.size > needs.maxContacts && book.contacts.size > before.contacts.size) {
      throw new Refusal('listFull');
    }
    await saveContactBook(trx, session.userPkid, book, before);
  });
  // The change feed will say so too; the client that asks next must not see the old list.
  needs.contactLists.forget(session.userPkid);
  return SUCCESS;
}

/**
 * Checks the contacts of a request and gives them the user ids under which they are provisioned. Done before the
 * transaction, as it asks the Route Datastore.
 * @throws Refusal `badContact`, `badName`, `ownContact`
 */
export async function resolveContacts(
  needs: OperationNeeds,
  session: ClientSession,
  personas: readonly PersonaId[],
): Promise<ReadonlyMap<PersonaId, NewContact>> {
  const own = contactKey(session.userid, needs.domain);
  const resolved = new Map<PersonaId, NewContact>();
  for (const persona of personas) {
    checkContact(persona);
    const { user, domain, nickname, isPresenceAware } = persona;
    if (contactKey(user, domain) === own) throw new Refusal('ownContact');
    resolved.set(persona, {
      user: await provisionedName(needs, user, domain),
      domain,
      nickname: nickname === undefined ? undefined : checkNickname(nickname),
      isPresenceAware,
    });
  }
  return resolved;
}

async function provisionedName(needs: OperationNeeds, user: string, domain: string): Promise<string> {
  if (domain.toLowerCase() !== needs.domain.toLowerCase()) return user;
  const route = await needs.routeDatastore.routeOfUser(user);
  return route.kind === 'unknown' ? user : route.user.userid;
}
