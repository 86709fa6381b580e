import type { Ids } from '../../../ids/ids.ts';
import { NOBODY, type Pidf } from '../../../pidf/pidf.ts';
import { type BasicState, basicStateOf } from '../../../presence/basic-state.ts';
import { PRESENCE_EVENT } from '../../../presence/publication.ts';
import { judgeWatcher, seesOnlyAsContact, type Watcher } from '../../../presence/watcher-permission.ts';
import { readWatcherPolicies } from '../../../presence/watcher-policies.ts';
import type { ClientSession } from '../../login-datastore/login-datastore.ts';
import type { RoutedUser } from '../../route-datastore/route-datastore.ts';
import type { PresenceType } from '../names.ts';
import type { ActionNeeds } from '../needs.ts';
import type { Contact } from './contacts.ts';
import { addressOf } from './session.ts';
import { subscriptionOf } from './subscriptions.ts';

/** What the caller gets to see of one contact. */
export interface ContactPresence {
  readonly uri: string;
  readonly state: BasicState | 'UNKNOWN';
  readonly document: Pidf;
}

/** Contacts read at once: keeps a statement short, as SQLite answers on our one thread. */
const CONTACTS_PER_TURN = 200;

/** The present state of any contacts. */
export async function polledPresence(
  needs: ActionNeeds,
  session: ClientSession,
  contacts: readonly Contact[],
  type: PresenceType,
): Promise<readonly ContactPresence[]> {
  return await readPresence(needs, await addressOf(needs, session), contacts, type);
}

/** The present state of all contacts of a subscription; from now on changes call back again. @throws PwsFault 133, 137 */
export async function subscribedPresence(
  needs: ActionNeeds,
  session: ClientSession,
  id: number,
  type: PresenceType,
): Promise<readonly ContactPresence[]> {
  const watcher = await addressOf(needs, session);
  const subscription = subscriptionOf(needs, session, id);
  needs.notifier.fetched(subscription, needs.revision());
  const contacts = [...subscription.contacts].map(([address, uri]): Contact => ({ address, uri }));
  return await readPresence(needs, watcher, contacts, type, subscription.seenAsContact);
}

/** Whether an address belongs to one of our domains. */
export async function watcherOf(needs: Pick<ActionNeeds, 'routeDatastore'>, address: string): Promise<Watcher> {
  const domain = address.slice(address.lastIndexOf('@') + 1);
  const domains = await needs.routeDatastore.domains();
  return { address, isInternal: domains.some((each) => each.domain.toLowerCase() === domain) };
}

async function readPresence(
  needs: ActionNeeds,
  watcherAddress: string,
  contacts: readonly Contact[],
  type: PresenceType,
  seenAsContact?: Set<string>,
): Promise<readonly ContactPresence[]> {
  const watcher = await watcherOf(needs, watcherAddress);
  const found: ContactPresence[] = [];
  for (let from = 0; from < contacts.length; from += CONTACTS_PER_TURN) {
    // Others get their turn between two pages.
    if (from > 0) await new Promise((resolve) => setImmediate(resolve));
    const page = contacts.slice(from, from + CONTACTS_PER_TURN);
    found.push(...(await readPage(needs, watcher, page, type, seenAsContact)));
  }
  return found;
}

async function readPage(
  { ids, routeDatastore, presenceDatastore, compose }: ActionNeeds,
  watcher: Watcher,
  contacts: readonly Contact[],
  type: PresenceType,
  seenAsContact: Set<string> | undefined,
): Promise<readonly ContactPresence[]> {
  const users = new Map<string, RoutedUser>();
  for (const { address } of contacts) {
    const user = await routeDatastore.userByAddress(address);
    if (user?.isEnabled) users.set(address, user);
  }
  const subjects = [...users].map(([address, { pkid }]) => ({ pkid, address }));
  const policies = await readWatcherPolicies(ids.read, subjects, [watcher.address]);
  const allowed = new Set<string>();
  for (const { pkid, address } of subjects) {
    const policy = policies.get(pkid);
    if (policy && judgeWatcher(policy, watcher).decision === 'allow') allowed.add(address);
    // Kept before anything else is waited for: a removal that is heard of from now on finds it.
    if (policy && seenAsContact && seesOnlyAsContact(policy, watcher)) seenAsContact.add(address);
    else seenAsContact?.delete(address);
  }
  const names = type === 'RICH_PRESENCE' ? await readDisplayNames(ids, subjects) : new Map<string, string>();

  const found: ContactPresence[] = [];
  for (const { uri, address } of contacts) {
    const user = users.get(address);
    if (!user) {
      found.push({ uri, state: 'UNKNOWN', document: bare(address, 'unknown') });
      continue;
    }
    const isAllowed = allowed.has(address);
    const publications = isAllowed ? await presenceDatastore.publicationsOf(address, PRESENCE_EVENT) : [];
    const document = isAllowed ? compose(address, publications) : bare(address, 'unavailable');
    found.push({
      uri,
      state: basicStateOf(document),
      document: isAllowed ? withName(document, names.get(user.pkid) ?? '') : document,
    });
  }
  return found;
}

/** @param subjects no more than a page. */
async function readDisplayNames(
  ids: Ids,
  subjects: readonly { readonly pkid: string }[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await ids.read
    .selectFrom('enduser')
    .select(['pkid', 'displayname'])
    .where(
      'pkid',
      'in',
      subjects.map(({ pkid }) => pkid),
    )
    .execute();
  return new Map(rows.map(({ pkid, displayname }) => [pkid, displayname]));
}

function bare(address: string, activity: string): Pidf {
  return {
    entity: `sip:${address}`,
    person: { ...NOBODY, id: address.slice(0, address.lastIndexOf('@')), activities: [activity] },
    tuples: [],
  };
}

function withName(document: Pidf, displayName: string): Pidf {
  const person = document.person ?? NOBODY;
  return person.displayName === '' ? { ...document, person: { ...person, displayName } } : document;
}
