import { sql } from 'kysely';
import type { FeedStore, LoggedChange } from '../change-feed/feed-store.ts';
import type { PostgresIds } from './postgres-ids.ts';
import { fromPostgres } from './postgres-ids.ts';

const COLUMNS = ['seq', 'tbl', 'op', 'key', 'changed', 'origin', 'requestid', 'at'] as const;

/** The feed's side of PostgreSQL. */
export function createPostgresFeedStore(ids: PostgresIds): FeedStore {
  const { plain } = ids;
  const asked = async <T>(task: () => Promise<T>): Promise<T> => {
    try {
      return await task();
    } catch (error) {
      throw fromPostgres(error);
    }
  };
  return {
    // Numbers whose rows are trimmed are remembered by the consumers that have passed them.
    lastSeq: () =>
      asked(async () => {
        const { rows } = await sql<{ seq: number }>`SELECT greatest(
          (SELECT coalesce(max(seq), 0) FROM change_log), (SELECT coalesce(max(seq), 0) FROM feed_consumer)) AS seq`.execute(
          plain,
        );
        return Number(rows[0]?.seq ?? 0);
      }),
    oldestSeq: () =>
      asked(async () => {
        const row = await plain
          .selectFrom('change_log')
          .select(({ fn }) => fn.min('seq').as('seq'))
          .executeTakeFirst();
        return row?.seq ?? null;
      }),
    read: (tables, after, through, limit) =>
      asked(async () => {
        if (tables.length === 0) return [];
        return await plain
          .selectFrom('change_log')
          .select(COLUMNS)
          .where('seq', '>', after)
          .where('seq', '<=', through)
          .where('tbl', 'in', tables)
          .orderBy('seq')
          .limit(limit)
          .execute();
      }),
    newest: (limit) =>
      asked(async () => {
        const rows = await plain.selectFrom('change_log').select(COLUMNS).orderBy('seq', 'desc').limit(limit).execute();
        return rows.reverse() as LoggedChange[];
      }),
    readAll: (after, limit) =>
      asked(() =>
        plain.selectFrom('change_log').select(COLUMNS).where('seq', '>', after).orderBy('seq').limit(limit).execute(),
      ),
    lag: (tables, after) =>
      asked(async () => {
        if (tables.length === 0) return { rows: 0, oldestAt: null };
        const row = await plain
          .selectFrom('change_log')
          .where('seq', '>', after)
          .where('tbl', 'in', tables)
          .select(({ fn }) => [fn.countAll<number>().as('rows'), fn.min('at').as('oldestAt')])
          .executeTakeFirst();
        return { rows: Number(row?.rows ?? 0), oldestAt: row?.oldestAt ?? null };
      }),
    consumers: () => asked(() => plain.selectFrom('feed_consumer').selectAll().orderBy('consumer').execute()),
    consumer: (name) =>
      asked(() => plain.selectFrom('feed_consumer').selectAll().where('consumer', '=', name).executeTakeFirst()),
    acknowledgements: (afterSeq, throughSeq) =>
      asked(() =>
        plain
          .selectFrom('feed_acknowledgement')
          .select(['consumer', 'afterseq', 'throughseq', 'at', 'note'])
          .where('throughseq', '>', afterSeq)
          .where('afterseq', '<', throughSeq)
          .orderBy('id')
          .execute(),
      ),
    register: (consumer, tables, at) =>
      asked(async () => {
        await plain
          .insertInto('feed_consumer')
          .values({ consumer, seq: -1, tables, updatedat: at, failures: 0, lasterror: '' })
          .onConflict((conflict) => conflict.column('consumer').doUpdateSet({ tables }))
          .execute();
      }),
    acknowledge: (consumer, afterseq, throughseq, at, note) =>
      asked(() =>
        plain.transaction().execute(async (trx) => {
          await trx
            .updateTable('feed_consumer')
            .set({ seq: throughseq, updatedat: at, failures: 0, lasterror: '' })
            .where('consumer', '=', consumer)
            .execute();
          if (note === null) return;
          await trx.insertInto('feed_acknowledgement').values({ consumer, afterseq, throughseq, at, note }).execute();
        }),
      ),
    recordFailure: (consumer, failures, lasterror, updatedat) =>
      asked(async () => {
        await plain
          .updateTable('feed_consumer')
          .set({ failures, lasterror, updatedat })
          .where('consumer', '=', consumer)
          .execute();
      }),
    remove: (consumer) =>
      asked(() =>
        plain.transaction().execute(async (trx) => {
          await trx.deleteFrom('feed_consumer').where('consumer', '=', consumer).execute();
          await trx.deleteFrom('feed_acknowledgement').where('consumer', '=', consumer).execute();
        }),
      ),
    trim: (throughSeq, limit) =>
      asked(() =>
        plain.transaction().execute(async (trx) => {
          const oldest = trx
            .selectFrom('change_log')
            .select('seq')
            .where('seq', '<=', throughSeq)
            .orderBy('seq')
            .limit(limit);
          const deleted = await trx.deleteFrom('change_log').where('seq', 'in', oldest).executeTakeFirst();
          await sql`DELETE FROM feed_acknowledgement WHERE id IN (
            SELECT id FROM feed_acknowledgement
            WHERE throughseq < (SELECT coalesce(min(seq), ${throughSeq + 1}::bigint) FROM change_log) LIMIT ${limit})`.execute(
            trx,
          );
          return Number(deleted.numDeletedRows);
        }),
      ),
    onCommit: (listener) => ids.onCommit(listener),
  };
}
