import { randomUUID } from 'node:crypto';
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../../../ids/database.ts';
import {
  type Jid,
  jidOfAddress,
  rosterAttributes,
  type Subscription,
  seesContact,
  unescapeLocal,
} from '../../../xmpp/xmpp.ts';
import { NO_SUBSCRIPTION, type Roster, type RosterItem, stateOf } from './roster.ts';

/** Reads the user's whole list: a few hundred rows at most. Contacts whose name can be no address are left out. */
export async function readRoster(db: Kysely<Database>, userPkid: string): Promise<Roster> {
  const items = await db
    .selectFrom('rosteritem')
    .select(['pkid', 'contactuser', 'contactdomain', 'nickname', 'subscription', 'ask'])
    .where('fkenduser', '=', userPkid)
    .execute();
  const groups = await db
    .selectFrom('rostergroup as team')
    .innerJoin('rosteritemgroup as place', 'place.fkrostergroup', 'team.pkid')
    .select(['place.fkrosteritem', 'team.name'])
    .where('team.fkenduser', '=', userPkid)
    .orderBy('team.name')
    .execute();
  const details = await db.selectFrom('subscriptiondetail').selectAll().where('fkenduser', '=', userPkid).execute();
  const groupsOf = new Map<string, string[]>();
  for (const { fkrosteritem, name } of groups) {
    const known = groupsOf.get(fkrosteritem);
    if (known) known.push(name);
    else groupsOf.set(fkrosteritem, [name]);
  }
  const detailOf = new Map(details.map((detail) => [detail.contact, detail]));
  const roster = new Map<string, RosterItem>();
  for (const { pkid, contactuser, contactdomain, nickname, subscription, ask } of items) {
    const jid = jidOfAddress(`${contactuser}@${contactdomain}`);
    if (jid === undefined || roster.has(jid.bare)) continue;
    const detail = detailOf.get(jid.bare);
    const request = detail?.request ?? '';
    roster.set(jid.bare, {
      pkid,
      jid,
      name: nickname,
      groups: groupsOf.get(pkid) ?? [],
      subscription: { state: stateOf(subscription, ask === 1, request !== ''), isApproved: detail?.approved === 1 },
      request,
    });
  }
  for (const { contact, approved, request } of details) {
    if (roster.has(contact)) continue;
    const at = contact.indexOf('@');
    const jid = jidOfAddress(`${unescapeLocal(contact.slice(0, at))}@${contact.slice(at + 1)}`);
    if (jid === undefined) continue;
    const subscription = { state: stateOf('none', false, request !== ''), isApproved: approved === 1 };
    roster.set(contact, { pkid: null, jid, name: '', groups: [], subscription, request });
  }
  return roster;
}

export function itemOf(roster: Roster, jid: Jid): RosterItem {
  return roster.get(jid.bare) ?? { pkid: null, jid, name: '', groups: [], subscription: NO_SUBSCRIPTION, request: '' };
}

/** How an address stands in the contact list: the user id as it is provisioned, or the name behind the escapes. */
export interface ContactName {
  readonly user: string;
  readonly domain: string;
}

export function nameOf(jid: Jid, provisioned: string | undefined): ContactName {
  return { user: provisioned ?? unescapeLocal(jid.local ?? ''), domain: jid.domain };
}

/** Writes what a subscription has become. `isListed` makes an item of somebody who was none. */
export async function saveSubscription(
  trx: Transaction<Database>,
  userPkid: string,
  before: RosterItem,
  after: { readonly subscription: Subscription; readonly request: string },
  contact: ContactName,
  isListed: boolean,
): Promise<void> {
  const { subscription, ask } = rosterAttributes(after.subscription);
  const columns = { subscription, ask: ask === undefined ? 0 : 1 };
  // Who only watches the user is not watched in turn, whatever else reads the list.
  const isWatched = seesContact(after.subscription.state) || ask !== undefined;
  if (before.pkid !== null) {
    const aware = isWatched ? { presenceaware: 1 } : {};
    await trx
      .updateTable('rosteritem')
      .set({ ...columns, ...aware })
      .where('pkid', '=', before.pkid)
      .execute();
  } else if (isListed) {
    await insertItem(trx, userPkid, contact, '', { ...columns, presenceaware: isWatched ? 1 : 0 });
  }
  await saveDetail(trx, userPkid, before.jid, after.subscription.isApproved, after.request);
}

async function saveDetail(
  trx: Transaction<Database>,
  fkenduser: string,
  { bare: contact }: Jid,
  isApproved: boolean,
  request: string,
): Promise<void> {
  if (!isApproved && request === '') {
    await trx
      .deleteFrom('subscriptiondetail')
      .where('fkenduser', '=', fkenduser)
      .where('contact', '=', contact)
      .execute();
    return;
  }
  const values = { approved: isApproved ? 1 : 0, request };
  await trx
    .insertInto('subscriptiondetail')
    .values({ fkenduser, contact, ...values, requestedat: 0 })
    .onConflict((conflict) => conflict.columns(['fkenduser', 'contact']).doUpdateSet(values))
    .execute();
}

/** Adds or changes what the user itself says of a contact: name and groups (RFC 6121 2.3, 2.4). */
export async function saveItem(
  trx: Transaction<Database>,
  userPkid: string,
  before: RosterItem,
  said: { readonly name: string; readonly groups: readonly string[] },
  contact: ContactName,
): Promise<void> {
  let { pkid } = before;
  if (pkid === null) {
    const { subscription, ask } = rosterAttributes(before.subscription);
    const columns = { subscription, ask: ask === undefined ? 0 : 1, presenceaware: 1 };
    pkid = await insertItem(trx, userPkid, contact, said.name, columns);
  } else {
    await trx.updateTable('rosteritem').set({ nickname: said.name }).where('pkid', '=', pkid).execute();
  }
  const wanted = new Set(said.groups);
  const gone = before.groups.filter((group) => !wanted.has(group));
  const fresh = [...wanted].filter((group) => !before.groups.includes(group));
  if (gone.length > 0) {
    const groups = trx
      .selectFrom('rostergroup')
      .select('pkid')
      .where('fkenduser', '=', userPkid)
      .where('name', 'in', gone);
    await trx
      .deleteFrom('rosteritemgroup')
      .where('fkrosteritem', '=', pkid)
      .where('fkrostergroup', 'in', groups)
      .execute();
    await dropEmptyGroups(trx, userPkid, gone);
  }
  for (const name of fresh) {
    const fkrostergroup = await ensureGroup(trx, userPkid, name);
    const last = await trx
      .selectFrom('rosteritemgroup')
      .select(({ fn }) => fn.max('position').as('position'))
      .where('fkrostergroup', '=', fkrostergroup)
      .executeTakeFirst();
    const position = (last?.position ?? -1) + 1;
    await trx.insertInto('rosteritemgroup').values({ fkrosteritem: pkid, fkrostergroup, position }).execute();
  }
}

/** Takes a contact off the list, with what was kept of its subscription. */
export async function removeItem(trx: Transaction<Database>, userPkid: string, item: RosterItem): Promise<void> {
  if (item.pkid !== null) {
    await trx.deleteFrom('rosteritemgroup').where('fkrosteritem', '=', item.pkid).execute();
    await trx.deleteFrom('rosteritem').where('pkid', '=', item.pkid).execute();
    await dropEmptyGroups(trx, userPkid, item.groups);
  }
  await saveDetail(trx, userPkid, item.jid, false, '');
}

async function insertItem(
  trx: Transaction<Database>,
  fkenduser: string,
  contact: ContactName,
  nickname: string,
  columns: { readonly subscription: string; readonly ask: number; readonly presenceaware: number },
): Promise<string> {
  const pkid = randomUUID();
  const place = { contactuser: contact.user, contactdomain: contact.domain };
  await trx
    .insertInto('rosteritem')
    .values({ pkid, fkenduser, ...place, nickname, ...columns })
    .execute();
  return pkid;
}

async function ensureGroup(trx: Transaction<Database>, fkenduser: string, name: string): Promise<string> {
  const groups = await trx
    .selectFrom('rostergroup')
    .select(['pkid', 'name', 'position'])
    .where('fkenduser', '=', fkenduser)
    .execute();
  const known = groups.find((group) => group.name === name);
  if (known) return known.pkid;
  const pkid = randomUUID();
  const position = groups.reduce((last, group) => Math.max(last, group.position), -1) + 1;
  await trx.insertInto('rostergroup').values({ pkid, fkenduser, name, position }).execute();
  return pkid;
}

/** An XMPP list has no empty groups: one that a client has emptied goes. */
async function dropEmptyGroups(trx: Transaction<Database>, fkenduser: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await trx
    .deleteFrom('rostergroup')
    .where('fkenduser', '=', fkenduser)
    .where('name', 'in', [...names])
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('rosteritemgroup')
            .select('fkrosteritem')
            .whereRef('rosteritemgroup.fkrostergroup', '=', 'rostergroup.pkid'),
        ),
      ),
    )
    .execute();
}
