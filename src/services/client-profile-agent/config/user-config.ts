import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../../../ids/database.ts';
import { Refusal } from '../errors.ts';
import { CLIENT_PROPERTIES, USER_PROPERTIES } from '../names.ts';
import type { NamedValue } from '../read-request.ts';

/** Properties with their allowed values and defaults. */
export type PropertyTable = Readonly<Record<string, { readonly values: readonly string[]; readonly default: string }>>;

/** The user's settings: every known property with its value or default, then the clients' own by name. */
export async function readUserConfig(
  db: Kysely<Database>,
  userPkid: string,
): Promise<readonly (readonly [string, string])[]> {
  const set = await readSet(db, userPkid);
  const own = [...set]
    .filter(([name]) => name.startsWith(CLIENT_PROPERTIES.prefix))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return [...withDefaults(USER_PROPERTIES, set), ...own];
}

/** The properties of a table, set or default. */
export async function readOptions(
  db: Kysely<Database>,
  userPkid: string,
  table: PropertyTable,
): Promise<readonly (readonly [string, string])[]> {
  return withDefaults(table, await readSet(db, userPkid));
}

/** Sets what a client asks for, free client properties included. @throws Refusal; nothing is changed then */
export async function writeUserConfig(
  trx: Transaction<Database>,
  userPkid: string,
  wanted: readonly NamedValue[],
): Promise<void> {
  for (const { name, value } of wanted) {
    if (name.startsWith(CLIENT_PROPERTIES.prefix)) checkClientProperty(name, value);
    else checkProperty(USER_PROPERTIES, name, value);
  }
  await save(trx, userPkid, wanted);
  const set = await readSet(trx, userPkid);
  const own = [...set.keys()].filter((name) => name.startsWith(CLIENT_PROPERTIES.prefix));
  if (own.length > CLIENT_PROPERTIES.maxCount) throw new Refusal('tooManyProperties');
}

/** Sets properties of a table only. @throws Refusal; nothing is changed then */
export async function writeOptions(
  trx: Transaction<Database>,
  userPkid: string,
  table: PropertyTable,
  wanted: readonly NamedValue[],
): Promise<void> {
  for (const { name, value } of wanted) checkProperty(table, name, value);
  await save(trx, userPkid, wanted);
}

function withDefaults(table: PropertyTable, set: ReadonlyMap<string, string>): [string, string][] {
  return Object.entries(table).map(([name, row]) => [name, set.get(name) ?? row.default]);
}

async function readSet(db: Kysely<Database>, userPkid: string): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom('enduserproperty')
    .select(['name', 'value'])
    .where('fkenduser', '=', userPkid)
    .execute();
  return new Map(rows.map(({ name, value }) => [name, value]));
}

function checkProperty(table: PropertyTable, name: string, value: string): void {
  const row = Object.hasOwn(table, name) ? table[name] : undefined;
  if (!row) throw new Refusal('unknownProperty');
  if (!row.values.includes(value)) throw new Refusal('badValue');
}

function checkClientProperty(name: string, value: string): void {
  if (name.length === CLIENT_PROPERTIES.prefix.length || name.length > 255) throw new Refusal('unknownProperty');
  if ([...value].length > CLIENT_PROPERTIES.maxCharacters) throw new Refusal('badValue');
}

async function save(trx: Transaction<Database>, fkenduser: string, wanted: readonly NamedValue[]): Promise<void> {
  for (const { name, value } of wanted) {
    await trx
      .insertInto('enduserproperty')
      .values({ fkenduser, name, value })
      .onConflict((conflict) => conflict.columns(['fkenduser', 'name']).doUpdateSet({ value }))
      .execute();
  }
}
