import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from '../../ids/database.ts';
import { keyRanges } from '../../ids/staging/merge.ts';
import { type AssignableNode, type AssignmentMode, allocate } from './allocate.ts';

/** States in which a node serves its own users (0 and 3): HA off, and Normal. */
const SERVING_STATES: ReadonlySet<number> = new Set([0, 3]);
const CHUNK_ROWS = 1_000;

export const ASSIGNMENT_STATE = { unassigned: 0, assigned: 1, waiting: 2 } as const;

/** Only active users of this cluster that are enabled for IM and Presence have a home node. */
const eligible = (alias: string): RawBuilder<unknown> =>
  sql.raw(['enablecups', 'islocaluser', 'status'].map((column) => `${alias}.${column} = 1`).join(' AND '));

/** Where users stand that may want a home node, and which of its rows count. */
interface UserTable {
  readonly name: RawBuilder<unknown>;
  readonly where: RawBuilder<unknown>;
}
const STAGED: UserTable = { name: sql.raw('staging.enduser'), where: sql`TRUE` };
const KNOWN: UserTable = { name: sql.raw('enduser'), where: sql`u.deletedat IS NULL AND u.peerclusterid IS NULL` };

async function readNodes(trx: Transaction<Database>): Promise<AssignableNode[]> {
  const rows = await trx
    .selectFrom('enterprisenode as node')
    .leftJoin('enduser as user', (join) =>
      join.onRef('user.primarynodeid', '=', 'node.id').on('user.deletedat', 'is', null),
    )
    .select(['node.id', 'node.subclusterid', 'node.tkhaserverstate'])
    .select(({ fn }) => fn.count<number>('user.pkid').as('users'))
    .groupBy(['node.id', 'node.subclusterid', 'node.tkhaserverstate'])
    .execute();
  return rows.map((row) => ({
    id: row.id,
    subclusterId: row.subclusterid,
    users: Number(row.users),
    isServing: SERVING_STATES.has(row.tkhaserverstate),
  }));
}

/** Gives home nodes to the users of `table` that are eligible and have none; answers how many got one, and how many wait. */
async function place(
  trx: Transaction<Database>,
  table: UserTable,
  mode: AssignmentMode,
  pause: () => Promise<void>,
): Promise<{ readonly assigned: number; readonly waiting: number }> {
  const unplaced = sql`${eligible('u')} AND u.primarynodeid IS NULL AND ${table.where}`;
  const counted = await sql<{ n: number }>`SELECT count(*) AS n FROM ${table.name} AS u WHERE ${unplaced}`.execute(trx);
  const count = Number(counted.rows[0]?.n ?? 0);
  if (count === 0 || mode === 'none') return { assigned: 0, waiting: 0 };
  const nodes = await readNodes(trx);
  // While any node is failed over, new users wait: they are told so instead of being refused.
  if (nodes.some((node) => !node.isServing)) {
    await sql`UPDATE ${table.name} AS u SET tkassignmentstate = ${ASSIGNMENT_STATE.waiting}
      WHERE ${unplaced} AND u.tkassignmentstate <> ${ASSIGNMENT_STATE.waiting}`.execute(trx);
    return { assigned: 0, waiting: count };
  }
  let assigned = 0;
  for (const [node, quota] of allocate(nodes, count, mode)) {
    for (let left = quota; left > 0; left -= CHUNK_ROWS) {
      const chunk = sql`SELECT u.pkid FROM ${table.name} AS u WHERE ${unplaced} ORDER BY u.pkid LIMIT ${Math.min(left, CHUNK_ROWS)}`;
      await sql`UPDATE ${table.name} SET primarynodeid = ${node}, tkassignmentstate = ${ASSIGNMENT_STATE.assigned}
        WHERE pkid IN (${chunk})`.execute(trx);
      await pause();
    }
    assigned += quota;
  }
  return { assigned, waiting: 0 };
}

/**
 * Fills in the home nodes of the staged users: those who have one that still exists keep it, the others get theirs by
 * the mode. Done before the merge, so that a new user is one change and not two.
 */
export async function assignStaged(
  trx: Transaction<Database>,
  mode: AssignmentMode,
  pause: () => Promise<void>,
): Promise<void> {
  for await (const range of keyRanges(trx, 'staging.enduser', 'pkid')) {
    // Both sides are bounded: SQLite would go through all known users for each range.
    await sql`UPDATE staging.enduser AS s SET
        primarynodeid = known.primarynodeid,
        tkassignmentstate = known.tkassignmentstate
      FROM enduser AS known
      WHERE known.pkid = s.pkid AND ${range('s')} AND ${range('known')} AND ${eligible('s')}
        AND (known.primarynodeid IS NULL OR known.primarynodeid IN (SELECT id FROM enterprisenode))`.execute(trx);
    await pause();
  }
  await place(trx, STAGED, mode, pause);
}

/** Places users that waited for a node to come back. Answers how many got a home node. */
export async function assignWaiting(
  trx: Transaction<Database>,
  mode: AssignmentMode,
  pause: () => Promise<void>,
): Promise<number> {
  const waiting = await trx
    .selectFrom('enduser')
    .where('tkassignmentstate', '=', ASSIGNMENT_STATE.waiting)
    .where('deletedat', 'is', null)
    .select('pkid')
    .limit(1)
    .execute();
  if (waiting.length === 0) return 0;
  return (await place(trx, KNOWN, mode, pause)).assigned;
}
