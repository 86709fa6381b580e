import type { Transaction } from 'kysely';
import type { Database } from '../../ids/database.ts';
import type { Ids } from '../../ids/ids.ts';
import type { MergeScope, Staging } from '../../ids/staging.ts';
import { assignmentMode } from './allocate.ts';
import { assignStaged } from './assignment.ts';
import { collectDomains } from './domains.ts';
import { ASSIGNMENT_MODE, ENTERPRISE_WIDE } from './mapping.ts';
import { type ChangePlace, writePlace } from './sync-record.ts';
import { SYNCED, type SyncedName } from './tables.ts';

export interface ScopedTable {
  readonly table: SyncedName;
  readonly scope: MergeScope;
}

export interface ApplyOptions {
  /** In the order of merging. */
  readonly scopes: readonly ScopedTable[];
  readonly isFull: boolean;
  readonly keepsMissing: boolean;
  readonly place: ChangePlace;
  readonly now: number;
}

export interface Applied {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/** Lets what waits run: a merge is long, and everything else of the node lives on the same thread. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Merges what is staged into the IDS, in one transaction together with the place it brings us to. A crash before the
 * commit leaves nothing of it; after it, nothing is done twice.
 */
export async function applyStaged(ids: Ids, staging: Staging, options: ApplyOptions): Promise<Applied> {
  const merged = (): Promise<Applied> => mergeAll(ids, staging, options);
  return options.isFull ? await staging.atLength(merged) : await merged();
}

async function mergeAll(ids: Ids, staging: Staging, options: ApplyOptions): Promise<Applied> {
  return await ids.transaction('cucm', async (trx) => {
    const before = await lastChange(trx);
    const merge = (each: ScopedTable): Promise<number> =>
      staging.merge(trx, {
        table: SYNCED[each.table],
        scope: each.scope,
        keepsMissing: options.keepsMissing,
        now: options.now,
        pause: breathe,
      });
    let removed = 0;
    // Parameters first: the mode of assignment is one of them.
    for (const each of options.scopes) if (each.table === 'parameters') removed += await merge(each);
    if (options.scopes.some((each) => each.table === 'endUsers')) {
      await assignStaged(trx, await readAssignmentMode(trx), breathe);
    }
    for (const each of options.scopes) if (each.table !== 'parameters') removed += await merge(each);
    await collectDomains(trx, options.scopes.find((each) => each.table === 'endUsers')?.scope, breathe);
    await writePlace(
      trx,
      options.place,
      options.isFull ? { fullSyncAt: options.now, lastChangeAt: options.now } : { lastChangeAt: options.now },
    );
    const counts = await countChanges(trx, before);
    // A soft removal is an update of `deletedat`.
    const soft = removed - counts.d;
    return { inserted: counts.i, updated: counts.u - soft, deleted: removed };
  });
}

export async function readAssignmentMode(trx: Transaction<Database>): Promise<ReturnType<typeof assignmentMode>> {
  const row = await trx
    .selectFrom('serviceparameter')
    .where('node', '=', '')
    .where('service', '=', ENTERPRISE_WIDE)
    .where('name', '=', ASSIGNMENT_MODE)
    .select('value')
    .executeTakeFirst();
  return assignmentMode(row?.value);
}

/** Rows of the change log counted at once. */
const COUNTED_ROWS = 20_000;

/** Rows that were inserted, updated and deleted by this transaction, after `before`. */
async function countChanges(trx: Transaction<Database>, before: number): Promise<Record<'i' | 'u' | 'd', number>> {
  const counts = { i: 0, u: 0, d: 0 };
  const last = await lastChange(trx);
  for (let from = before; from < last; from += COUNTED_ROWS) {
    const rows = await trx
      .selectFrom('change_log')
      .where('seq', '>', from)
      .where('seq', '<=', from + COUNTED_ROWS)
      .groupBy('op')
      .select(({ fn }) => ['op', fn.countAll<number>().as('count')] as const)
      .execute();
    for (const { op, count } of rows) counts[op] += Number(count);
    await breathe();
  }
  return counts;
}

async function lastChange(trx: Transaction<Database>): Promise<number> {
  const row = await trx
    .selectFrom('change_log')
    .select(({ fn }) => fn.max<number | null>('seq').as('seq'))
    .executeTakeFirst();
  return row?.seq ?? 0;
}
