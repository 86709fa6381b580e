import { randomUUID } from 'node:crypto';
import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../../../ids/database.ts';
import { ContactBook } from './contact-book.ts';
import { contactKey } from './names-of-contacts.ts';

/** Rows written by one statement: SQLite allows 32,766 values, PostgreSQL 65,535. */
const ROWS_PER_STATEMENT = 500;

/** Reads the user's whole list: a few hundred rows at most. */
export async function loadContactBook(db: Kysely<Database>, userPkid: string): Promise<ContactBook> {
  const book = new ContactBook(randomUUID);
  const groups = await db
    .selectFrom('rostergroup')
    .select(['pkid', 'name', 'position'])
    .where('fkenduser', '=', userPkid)
    .orderBy('position')
    .orderBy('name')
    .execute();
  const items = await db
    .selectFrom('rosteritem')
    .select(['pkid', 'contactuser', 'contactdomain', 'nickname', 'presenceaware'])
    .where('fkenduser', '=', userPkid)
    .execute();
  const places = await db
    .selectFrom('rosteritemgroup as place')
    .innerJoin('rostergroup as team', 'team.pkid', 'place.fkrostergroup')
    .select(['place.fkrosteritem', 'place.fkrostergroup', 'place.position'])
    .where('team.fkenduser', '=', userPkid)
    .orderBy('place.position')
    .execute();
  const keys = new Map<string, string>();
  for (const row of items) {
    const key = contactKey(row.contactuser, row.contactdomain);
    keys.set(row.pkid, key);
    book.contacts.set(key, {
      pkid: row.pkid,
      user: row.contactuser,
      domain: row.contactdomain,
      nickname: row.nickname,
      isPresenceAware: row.presenceaware === 1,
    });
  }
  const members = new Map<string, Map<string, number>>(groups.map(({ pkid }) => [pkid, new Map()]));
  for (const place of places) {
    const key = keys.get(place.fkrosteritem);
    if (key !== undefined) members.get(place.fkrostergroup)?.set(key, place.position);
  }
  for (const { pkid, name, position } of groups) {
    book.groups.set(name, { pkid, name, position, members: members.get(pkid) ?? new Map() });
  }
  return book;
}

/** What the book was when it was loaded, to tell the difference from. */
interface Shape {
  readonly groups: ReadonlyMap<string, string>;
  readonly contacts: ReadonlyMap<string, { readonly nickname: string; readonly isPresenceAware: boolean }>;
  /** `item group` pairs. */
  readonly places: ReadonlyMap<string, Place>;
}

interface Place {
  readonly fkrosteritem: string;
  readonly fkrostergroup: string;
  readonly position: number;
}

export function shapeOf(book: ContactBook): Shape {
  const places = new Map<string, Place>();
  for (const group of book.groups.values()) {
    for (const [key, position] of group.members) {
      const contact = book.contacts.get(key);
      if (!contact) continue;
      places.set(`${contact.pkid} ${group.pkid}`, {
        fkrosteritem: contact.pkid,
        fkrostergroup: group.pkid,
        position,
      });
    }
  }
  return {
    groups: new Map([...book.groups.values()].map(({ pkid, name }) => [pkid, name])),
    contacts: new Map(
      [...book.contacts.values()].map(({ pkid, nickname, isPresenceAware }) => [pkid, { nickname, isPresenceAware }]),
    ),
    places,
  };
}

/** Writes what changed since `before`, and only that: an unchanged list makes no change in the log. */
export async function saveContactBook(
  trx: Transaction<Database>,
  userPkid: string,
  book: ContactBook,
  before: Shape,
): Promise<void> {
  const after = shapeOf(book);
  const gonePlaces = [...before.places.values()].filter((place) => !after.places.has(placeKey(place)));
  for (const { fkrosteritem, fkrostergroup } of gonePlaces) {
    await trx
      .deleteFrom('rosteritemgroup')
      .where('fkrosteritem', '=', fkrosteritem)
      .where('fkrostergroup', '=', fkrostergroup)
      .execute();
  }
  for (const pkids of chunks([...before.contacts.keys()].filter((pkid) => !after.contacts.has(pkid)))) {
    await trx.deleteFrom('rosteritem').where('pkid', 'in', pkids).execute();
  }
  for (const pkids of chunks([...before.groups.keys()].filter((pkid) => !after.groups.has(pkid)))) {
    await trx.deleteFrom('rostergroup').where('pkid', 'in', pkids).execute();
  }
  await saveGroups(trx, userPkid, book, before);
  await saveContacts(trx, userPkid, book, before);
  const newPlaces = [...after.places.values()].filter((place) => !before.places.has(placeKey(place)));
  for (const rows of chunks(newPlaces)) await trx.insertInto('rosteritemgroup').values(rows).execute();
}

async function saveGroups(
  trx: Transaction<Database>,
  fkenduser: string,
  book: ContactBook,
  before: Shape,
): Promise<void> {
  const fresh = [...book.groups.values()].filter(({ pkid }) => !before.groups.has(pkid));
  const renamed = [...book.groups.values()].filter(({ pkid, name }) => (before.groups.get(pkid) ?? name) !== name);
  // Two groups may swap their names: they pass through names that nobody can give, as they hold a control character.
  for (const { pkid } of renamed) {
    await trx
      .updateTable('rostergroup')
      .set({ name: `\u0001${pkid}` })
      .where('pkid', '=', pkid)
      .execute();
  }
  for (const { pkid, name } of renamed) {
    await trx.updateTable('rostergroup').set({ name }).where('pkid', '=', pkid).execute();
  }
  for (const rows of chunks(fresh.map(({ pkid, name, position }) => ({ pkid, fkenduser, name, position })))) {
    await trx.insertInto('rostergroup').values(rows).execute();
  }
}

async function saveContacts(
  trx: Transaction<Database>,
  fkenduser: string,
  book: ContactBook,
  before: Shape,
): Promise<void> {
  const fresh: Database['rosteritem'][] = [];
  for (const { pkid, user, domain, nickname, isPresenceAware } of book.contacts.values()) {
    const known = before.contacts.get(pkid);
    const presenceaware = isPresenceAware ? 1 : 0;
    if (!known) {
      const contact = { contactuser: user, contactdomain: domain, nickname, presenceaware };
      // A contact that is to be watched awaits its subscription: the XCP Router sends the request.
      fresh.push({ pkid, fkenduser, ...contact, subscription: 'none', ask: presenceaware });
    } else if (known.nickname !== nickname || known.isPresenceAware !== isPresenceAware) {
      await trx.updateTable('rosteritem').set({ nickname, presenceaware }).where('pkid', '=', pkid).execute();
    }
  }
  for (const rows of chunks(fresh)) await trx.insertInto('rosteritem').values(rows).execute();
}

function placeKey(place: Place): string {
  return `${place.fkrosteritem} ${place.fkrostergroup}`;
}

function* chunks<T>(rows: readonly T[]): Iterable<T[]> {
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) yield rows.slice(from, from + ROWS_PER_STATEMENT);
}
