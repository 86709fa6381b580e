import { createHash } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import type { Database } from '../../../ids/database.ts';
import { keyRanges } from '../../../ids/staging/merge.ts';
import { escapeLocal } from '../../../xmpp/jid-escape.ts';
import type { PeerUser } from '../reading/answers.ts';
import { hideUsers, settleUserIds, showUsers, USER_COLUMNS } from './visible-users.ts';

const KEYS_PER_QUERY = 400;
/** Keys looked at in one statement. */
const PAGE = 2_000;

/** The first two are the key. */
const COLUMNS = ['peerid', 'remotepkid', 'pkid', 'useridlower', ...USER_COLUMNS] as const;
const OTHERS = COLUMNS.slice(2);
const LIST = sql.raw(COLUMNS.join(', '));
const VALUES = sql.raw(COLUMNS.map((_column, place) => `value ->> ${place}`).join(', '));
const SET = sql.raw(OTHERS.map((column) => `${column} = excluded.${column}`).join(', '));
const DIFFERS = sql.raw(OTHERS.map((column) => `interclusteruser.${column} <> excluded.${column}`).join(' OR '));

/**
 * Stores users as a peer told them. Nobody sees them before `settleUserIds` or `endComparison`. One parameter for all
 * rows: a statement of thousands of parameters takes longer to compile than to run.
 */
export async function storeUsers(
  trx: Transaction<Database>,
  peerId: number,
  users: readonly PeerUser[],
): Promise<void> {
  if (users.length === 0) return;
  const rows = JSON.stringify(users.map((user) => rowOf(peerId, user)));
  await sql`
    INSERT INTO interclusteruser (${LIST}) SELECT ${VALUES} FROM json_each(${rows}) WHERE true
    ON CONFLICT (peerid, remotepkid) DO UPDATE SET ${SET} WHERE ${DIFFERS}`.execute(trx);
}

/** In the order of the columns. */
function rowOf(peerId: number, user: PeerUser): readonly (string | number)[] {
  const useridlower = user.userid.toLowerCase();
  return [
    ...[peerId, user.id, localKey(peerId, user.id), useridlower],
    ...[user.userid, user.firstName, user.lastName, user.displayName, user.mail, user.department, user.title],
    ...[
      user.telephoneNumber,
      user.mobileNumber,
      user.directoryUri,
      user.imAddress,
      escapeLocal(useridlower),
      user.node,
    ],
  ];
}

/** Two clusters may have given one key to two users, so each key is made anew, in the form of all the others. */
export function localKey(peerId: number, remotePkid: string): string {
  const hex = createHash('sha256').update(`${peerId}\0${remotePkid}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

/** Stores changes, and settles who is shown of everybody they touch: answers their user ids, in lower case. */
export async function applyChanges(
  trx: Transaction<Database>,
  peerId: number,
  changes: { readonly users: readonly PeerUser[]; readonly removed: readonly string[] },
): Promise<ReadonlySet<string>> {
  const keys = [...changes.users.map(({ id }) => id), ...changes.removed];
  const touched = new Set(changes.users.map(({ userid }) => userid.toLowerCase()));
  for (let from = 0; from < keys.length; from += KEYS_PER_QUERY) {
    const known = await trx
      .selectFrom('interclusteruser')
      .where('peerid', '=', peerId)
      .where('remotepkid', 'in', keys.slice(from, from + KEYS_PER_QUERY))
      .select('useridlower')
      .execute();
    // A renamed user leaves the old user id to somebody else.
    for (const { useridlower } of known) touched.add(useridlower);
  }
  await storeUsers(trx, peerId, changes.users);
  for (let from = 0; from < changes.removed.length; from += KEYS_PER_QUERY) {
    await trx
      .deleteFrom('interclusteruser')
      .where('peerid', '=', peerId)
      .where('remotepkid', 'in', changes.removed.slice(from, from + KEYS_PER_QUERY))
      .execute();
  }
  await settleUserIds(trx, touched);
  return touched;
}

/** Users that the peer has told. */
export async function countUsers(db: Pick<Transaction<Database>, 'selectFrom'>, peerId: number): Promise<number> {
  const row = await db
    .selectFrom('interclusteruser')
    .where('peerid', '=', peerId)
    .select(({ fn }) => fn.countAll<number>().as('users'))
    .executeTakeFirst();
  return Number(row?.users ?? 0);
}

/** Keys of users whom a comparison has not seen. */
async function* missingUsers(
  trx: Transaction<Database>,
  peerId: number,
  seen: ReadonlySet<string>,
): AsyncGenerator<readonly string[]> {
  for (let after = ''; ; ) {
    const rows = await trx
      .selectFrom('interclusteruser')
      .where('peerid', '=', peerId)
      .where('remotepkid', '>', after)
      .select('remotepkid')
      .orderBy('remotepkid')
      .limit(PAGE)
      .execute();
    yield rows.map(({ remotepkid }) => remotepkid).filter((key) => !seen.has(key));
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.remotepkid;
  }
}

/**
 * Ends a comparison: users that it has not seen are gone, unless they are to be kept, and everybody of the peer who is
 * shown is as the peer told. In the caller's transaction: either all of it is seen, or nothing.
 * @param seen keys of all users that the peer has told
 */
export async function endComparison(
  trx: Transaction<Database>,
  peerId: number,
  seen: ReadonlySet<string>,
  keepsMissing: boolean,
  pause: () => Promise<void>,
): Promise<void> {
  // Those of other peers who step forward, or back.
  const touched = new Set((await sharedWithOthers(trx, peerId).execute()).map(({ useridlower }) => useridlower));
  if (!keepsMissing) {
    for await (const missing of missingUsers(trx, peerId, seen)) {
      for (let from = 0; from < missing.length; from += KEYS_PER_QUERY) {
        await trx
          .deleteFrom('interclusteruser')
          .where('peerid', '=', peerId)
          .where('remotepkid', 'in', missing.slice(from, from + KEYS_PER_QUERY))
          .execute();
      }
      await pause();
    }
  }
  for await (const range of keyRanges(trx, 'enduser', 'pkid', sql`peerclusterid = ${String(peerId)}`)) {
    await hideUsers(trx, sql`t.peerclusterid = ${String(peerId)} AND ${range('t')}`);
    await pause();
  }
  for await (const range of keyRanges(trx, 'interclusteruser', 'remotepkid', sql`peerid = ${peerId}`)) {
    await showUsers(trx, sql`u.peerid = ${peerId} AND ${range('u')}`);
    await pause();
  }
  await settleUserIds(trx, touched);
}

/** The peer's user ids that another peer has told as well. */
function sharedWithOthers(trx: Transaction<Database>, peerId: number) {
  return trx
    .selectFrom('interclusteruser as u')
    .innerJoin('interclusteruser as o', 'o.useridlower', 'u.useridlower')
    .where('u.peerid', '=', peerId)
    .where('o.peerid', '<>', peerId)
    .select('u.useridlower')
    .distinct();
}

/** Takes everything away that was read from a peer. */
export async function removePeerRows(
  trx: Transaction<Database>,
  peerId: number,
  pause: () => Promise<void>,
): Promise<void> {
  const shared = await sharedWithOthers(trx, peerId).execute();
  for await (const range of keyRanges(trx, 'enduser', 'pkid', sql`peerclusterid = ${String(peerId)}`)) {
    await sql`DELETE FROM enduser AS t WHERE t.peerclusterid = ${String(peerId)} AND ${range('t')}`.execute(trx);
    await pause();
  }
  await trx.deleteFrom('interclusteruser').where('peerid', '=', peerId).execute();
  for (const table of ['interclusternode', 'interclusterdomain', 'interclustercertificate'] as const) {
    await trx.deleteFrom(table).where('peerid', '=', peerId).execute();
  }
  await trx.deleteFrom('tcaliases').where('peerclusterid', '=', String(peerId)).execute();
  await settleUserIds(
    trx,
    shared.map(({ useridlower }) => useridlower),
  );
}
