import { createHash } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import type { Database } from '../../../ids/database.ts';
import { keyRanges } from '../../../ids/staging/merge.ts';
import { escapeLocal } from '../../../xmpp/jid-escape.ts';
import type { PeerUser } from '../reading/answers.ts';
import { hideUsers, settleUserIds, showUsers, USER_COLUMNS } from './visible-users.ts';

/** Rows of one statement. */
const CHUNK = 200;
const KEYS_PER_QUERY = 400;

const WRITTEN = ['pkid', 'useridlower', 'run', ...USER_COLUMNS] as const;

/** Stores users as a peer told them. Nobody sees them before `settleUserIds` or `endComparison`. */
export async function storeUsers(
  trx: Transaction<Database>,
  peerId: number,
  users: readonly PeerUser[],
  run: number,
): Promise<void> {
  for (let from = 0; from < users.length; from += CHUNK) {
    const rows = users.slice(from, from + CHUNK).map((user) => rowOf(peerId, user, run));
    await trx
      .insertInto('interclusteruser')
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .columns(['peerid', 'remotepkid'])
          .doUpdateSet((eb) => Object.fromEntries(WRITTEN.map((column) => [column, eb.ref(`excluded.${column}`)]))),
      )
      .execute();
  }
}

function rowOf(peerId: number, user: PeerUser, run: number): Database['interclusteruser'] {
  const useridlower = user.userid.toLowerCase();
  return {
    peerid: peerId,
    remotepkid: user.id,
    pkid: localKey(peerId, user.id),
    useridlower,
    run,
    userid: user.userid,
    firstname: user.firstName,
    lastname: user.lastName,
    displayname: user.displayName,
    mailid: user.mail,
    department: user.department,
    title: user.title,
    telephonenumber: user.telephoneNumber,
    mobilenumber: user.mobileNumber,
    directoryuri: user.directoryUri,
    imaddress: user.imAddress,
    xcp_user_id: escapeLocal(useridlower),
    peernode: user.node,
  };
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
  if (changes.users.length > 0) await storeUsers(trx, peerId, changes.users, await currentRun(trx, peerId));
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

/** Number of the comparison that was the last to begin. */
export async function currentRun(db: Pick<Transaction<Database>, 'selectFrom'>, peerId: number): Promise<number> {
  const row = await db
    .selectFrom('interclusteruser')
    .where('peerid', '=', peerId)
    .select(({ fn }) => fn.max<number | null>('run').as('run'))
    .executeTakeFirst();
  return row?.run ?? 0;
}

export async function countUsers(
  db: Pick<Transaction<Database>, 'selectFrom'>,
  peerId: number,
  run?: number,
): Promise<number> {
  let query = db.selectFrom('interclusteruser').where('peerid', '=', peerId);
  if (run !== undefined) query = query.where('run', '=', run);
  const row = await query.select(({ fn }) => fn.countAll<number>().as('users')).executeTakeFirst();
  return Number(row?.users ?? 0);
}

/**
 * Ends a comparison: users that it has not seen are gone, unless they are to be kept, and everybody of the peer who is
 * shown is as the peer told. In the caller's transaction: either all of it is seen, or nothing.
 */
export async function endComparison(
  trx: Transaction<Database>,
  peerId: number,
  run: number,
  keepsMissing: boolean,
  pause: () => Promise<void>,
): Promise<void> {
  // Those of other peers who step forward, or back.
  const touched = new Set<string>();
  if (!keepsMissing) {
    for (const { useridlower } of await sharedWithOthers(trx, peerId).where('u.run', '<', run).execute()) {
      touched.add(useridlower);
    }
    await trx.deleteFrom('interclusteruser').where('peerid', '=', peerId).where('run', '<', run).execute();
    await pause();
  }
  for (const { useridlower } of await sharedWithOthers(trx, peerId).execute()) touched.add(useridlower);
  await pause();
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
