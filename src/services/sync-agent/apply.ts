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
    const counts = await trx
      .selectFrom('change_log')
      .where('seq', '>', before)
      .groupBy('op')
      .select(({ fn }) => ['op', fn.countAll<number>().as('count')] as const)
      .execute();
    const count = (op: 'i' | 'u' | 'd'): number => Number(counts.find((row) => row.op === op)?.count ?? 0);
    // A soft removal is an update of `deletedat`.
    const soft = removed - count('d');
    return { inserted: count('i'), updated: count('u') - soft, deleted: removed };
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

async function lastChange(trx: Transaction<Database>): Promise<number> {
  const row = await trx
    .selectFrom('change_log')
    .select(({ fn }) => fn.max<number | null>('seq').as('seq'))
    .executeTakeFirst();
  return row?.seq ?? 0;
}
