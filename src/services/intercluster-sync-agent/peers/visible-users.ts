import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from '../../../ids/database.ts';

/**
 * Which of the users that peers have told are shown in `enduser`: of all who have a user id just one is. That is a user
 * of this cluster who is active and enabled, then nobody if an application user here has the name, then the user of the
 * peer that was seen first. Written in SQL that both engines speak; names come from code, values are bound.
 */

export const USER_COLUMNS = [
  'userid',
  'firstname',
  'lastname',
  'displayname',
  'mailid',
  'department',
  'title',
  'telephonenumber',
  'mobilenumber',
  'directoryuri',
  'imaddress',
  'xcp_user_id',
  'peernode',
] as const;

/** User ids in one statement. */
const CHUNK = 400;

/**
 * Holds for the row `u` of `interclusteruser`, of the peer `p`, that is shown. NOTE: SQLite takes an index of `lower(…)` only
 * where the other side is an expression, too; and `coalesce` keeps it from looking through all users of this cluster.
 */
const IS_SHOWN = sql.raw(`
  NOT EXISTS (SELECT 1 FROM enduser AS l WHERE lower(l.userid) = lower(u.useridlower)
    AND coalesce(l.peerclusterid, '') = '' AND coalesce(l.deletedat, 0) = 0 AND l.enablecups = 1 AND l.status = 1)
  AND NOT EXISTS (SELECT 1 FROM applicationuser AS a WHERE lower(a.name) = lower(u.useridlower) AND a.deletedat IS NULL)
  AND NOT EXISTS (SELECT 1 FROM interclusteruser AS o JOIN interclusterpeer AS q ON q.id = o.peerid
    WHERE o.useridlower = u.useridlower AND (o.peerid <> u.peerid OR o.remotepkid <> u.remotepkid)
    AND (coalesce(q.firstseenat, ${Number.MAX_SAFE_INTEGER}), q.id, o.remotepkid)
      < (coalesce(p.firstseenat, ${Number.MAX_SAFE_INTEGER}), p.id, u.remotepkid))`);

const DIFFERS = sql.raw(
  [...USER_COLUMNS, 'peerclusterid']
    .map((column) => `enduser.${column} IS DISTINCT FROM excluded.${column}`)
    .join(' OR '),
);
const SET = sql.raw([...USER_COLUMNS, 'peerclusterid'].map((column) => `${column} = excluded.${column}`).join(', '));

/** Writes those of the scope who are shown, and differ. @param scope a condition on `u` */
export async function showUsers(trx: Transaction<Database>, scope: RawBuilder<unknown>): Promise<void> {
  await sql`
    INSERT INTO enduser (pkid, ${sql.raw(USER_COLUMNS.join(', '))}, enablecups, status, peerclusterid)
    SELECT u.pkid, ${sql.raw(USER_COLUMNS.map((column) => `u.${column}`).join(', '))}, 1, 1, CAST(u.peerid AS TEXT)
    FROM interclusteruser AS u JOIN interclusterpeer AS p ON p.id = u.peerid
    WHERE ${scope} AND ${IS_SHOWN}
    ON CONFLICT (pkid) DO UPDATE SET ${SET} WHERE ${DIFFERS}`.execute(trx);
}

/** Takes away those of the scope who are not shown. @param scope a condition on `t`, a row of `enduser` */
export async function hideUsers(trx: Transaction<Database>, scope: RawBuilder<unknown>): Promise<void> {
  await sql`
    DELETE FROM enduser AS t WHERE t.peerclusterid IS NOT NULL AND ${scope}
    AND NOT EXISTS (SELECT 1 FROM interclusteruser AS u JOIN interclusterpeer AS p ON p.id = u.peerid
      WHERE u.pkid = t.pkid AND ${IS_SHOWN})`.execute(trx);
}

/** Settles who is shown of those with these user ids. @param userids in lower case */
export async function settleUserIds(trx: Transaction<Database>, userids: Iterable<string>): Promise<void> {
  const all = [...userids];
  for (let from = 0; from < all.length; from += CHUNK) {
    const list = sql.join(all.slice(from, from + CHUNK));
    await hideUsers(trx, sql`lower(t.userid) IN (${list})`);
    await showUsers(trx, sql`u.useridlower IN (${list})`);
  }
}

/** Who is told and not shown, of all or of those with these user ids. */
export async function hiddenUsers(
  db: Pick<Transaction<Database>, 'selectFrom'>,
  userids: Iterable<string> | null,
): Promise<readonly HiddenUser[]> {
  const query = db
    .selectFrom('interclusteruser as u')
    .leftJoin('enduser as e', 'e.pkid', 'u.pkid')
    .where('e.pkid', 'is', null)
    .select(['u.peerid as peerId', 'u.useridlower as userid'])
    .orderBy('u.useridlower');
  if (userids === null) return await query.execute();
  const found: HiddenUser[] = [];
  const all = [...userids];
  for (let from = 0; from < all.length; from += CHUNK) {
    found.push(...(await query.where('u.useridlower', 'in', all.slice(from, from + CHUNK)).execute()));
  }
  return found;
}

export interface HiddenUser {
  readonly peerId: number;
  /** In lower case. */
  readonly userid: string;
}
