import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../../ids/database.ts';

/** The agent's durable record: table `epassyncagentcfg`, one row. */
export interface SyncRecord {
  /** Change notification: null before the first sync. */
  readonly place: ChangePlace | null;
  readonly fullSyncAt: number | null;
  readonly lastChangeAt: number | null;
}

export interface ChangePlace {
  readonly queueId: string;
  readonly nextChangeId: number;
}

/** AXL's code for a place in its queue that it does not know (any more). */
export const LOST = 5007;

export async function readSyncRecord(db: Kysely<Database>): Promise<SyncRecord> {
  const row = await db.selectFrom('epassyncagentcfg').where('id', '=', 1).selectAll().executeTakeFirstOrThrow();
  return {
    place: row.queueid === '' ? null : { queueId: row.queueid, nextChangeId: Number(row.nextchangeid) },
    fullSyncAt: row.fullsyncat,
    lastChangeAt: row.lastchangeat,
  };
}

/** Stored in the transaction of the changes it speaks of: after a crash the two never disagree. */
export async function writePlace(
  trx: Transaction<Database>,
  place: ChangePlace,
  times: { readonly fullSyncAt?: number; readonly lastChangeAt?: number },
): Promise<void> {
  await trx
    .updateTable('epassyncagentcfg')
    .set({
      queueid: place.queueId,
      nextchangeid: String(place.nextChangeId),
      ...(times.fullSyncAt === undefined ? {} : { fullsyncat: times.fullSyncAt }),
      ...(times.lastChangeAt === undefined ? {} : { lastchangeat: times.lastChangeAt }),
    })
    .where('id', '=', 1)
    .execute();
}

/** What people and scripts read of the table; never the password. */
export async function writeStatus(
  trx: Transaction<Database>,
  status: { readonly host: string; readonly user: string; readonly state: string; readonly syncStatus: string },
): Promise<void> {
  await trx
    .updateTable('epassyncagentcfg')
    .set({
      ccmpublisherip: status.host,
      axluser: status.user,
      state: status.state,
      syncstatus: status.syncStatus,
    })
    .where('id', '=', 1)
    .execute();
}
