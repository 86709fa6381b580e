import type Sqlite from 'better-sqlite3';
import type { FeedStore, LoggedChange, StoredAcknowledgement, StoredConsumer } from '../change-feed/feed-store.ts';
import type { SqliteIds } from './sqlite-ids.ts';

const COLUMNS = 'seq, tbl, op, key, changed, origin, requestid, at';
/** Table names come from code; the list is part of the statement, so that each consumer has one prepared. */
const listOf = (tables: readonly string[]): string => tables.map((table) => `'${table}'`).join(', ');

/** The feed's side of the embedded engine. */
export function createSqliteFeedStore(ids: SqliteIds): FeedStore {
  const writes = new WeakMap<Sqlite.Database, Map<string, Sqlite.Statement>>();
  const prepared = (database: Sqlite.Database, sql: string): Sqlite.Statement => {
    let known = writes.get(database);
    if (!known) {
      known = new Map();
      writes.set(database, known);
    }
    let statement = known.get(sql);
    if (!statement) {
      statement = database.prepare(sql);
      known.set(sql, statement);
    }
    return statement;
  };
  return {
    // sqlite_sequence remembers numbers whose rows are trimmed; a rolled back one is not in it.
    lastSeq: async () =>
      ids.prepared<[], { seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'change_log'").get()?.seq ?? 0,
    oldestSeq: async () =>
      ids.prepared<[], { seq: number | null }>('SELECT min(seq) AS seq FROM change_log').get()?.seq ?? null,
    read: async (tables, after, through, limit) =>
      ids
        .prepared<[number, number, number], LoggedChange>(
          `SELECT ${COLUMNS} FROM change_log WHERE seq > ? AND seq <= ? AND tbl IN (${listOf(tables)}) ORDER BY seq LIMIT ?`,
        )
        .all(after, through, limit),
    newest: async (limit) =>
      ids
        .prepared<[number], LoggedChange>(`SELECT ${COLUMNS} FROM change_log ORDER BY seq DESC LIMIT ?`)
        .all(limit)
        .reverse(),
    readAll: async (after, limit) =>
      ids
        .prepared<[number, number], LoggedChange>(
          `SELECT ${COLUMNS} FROM change_log WHERE seq > ? ORDER BY seq LIMIT ?`,
        )
        .all(after, limit),
    async lag(tables, after) {
      const row = ids
        .prepared<[number], { rows: number; oldestAt: number | null }>(
          `SELECT count(*) AS rows, min(at) AS oldestAt FROM change_log WHERE seq > ? AND tbl IN (${listOf(tables)})`,
        )
        .get(after);
      return row ?? { rows: 0, oldestAt: null };
    },
    consumers: async () => ids.prepared<[], StoredConsumer>('SELECT * FROM feed_consumer ORDER BY consumer').all(),
    consumer: async (name) =>
      ids.prepared<[string], StoredConsumer>('SELECT * FROM feed_consumer WHERE consumer = ?').get(name),
    acknowledgements: async (afterSeq, throughSeq) =>
      ids
        .prepared<[number, number], StoredAcknowledgement>(
          'SELECT * FROM feed_acknowledgement WHERE throughseq > ? AND afterseq < ? ORDER BY id',
        )
        .all(afterSeq, throughSeq),
    register: (name, tables, at) =>
      ids.write((database) => {
        prepared(
          database,
          `INSERT INTO feed_consumer (consumer, seq, tables, updatedat) VALUES (?, -1, ?, ?)
           ON CONFLICT (consumer) DO UPDATE SET tables = excluded.tables`,
        ).run(name, tables, at);
      }),
    acknowledge: (name, afterSeq, throughSeq, at, note) =>
      ids.write((database) => {
        prepared(
          database,
          `UPDATE feed_consumer SET seq = ?, updatedat = ?, failures = 0, lasterror = '' WHERE consumer = ?`,
        ).run(throughSeq, at, name);
        if (note === null) return;
        prepared(
          database,
          'INSERT INTO feed_acknowledgement (consumer, afterseq, throughseq, at, note) VALUES (?, ?, ?, ?, ?)',
        ).run(name, afterSeq, throughSeq, at, note);
      }),
    recordFailure: (name, failures, error, at) =>
      ids.write((database) => {
        prepared(
          database,
          'UPDATE feed_consumer SET failures = ?, lasterror = ?, updatedat = ? WHERE consumer = ?',
        ).run(failures, error, at, name);
      }),
    remove: (name) =>
      ids.write((database) => {
        prepared(database, 'DELETE FROM feed_consumer WHERE consumer = ?').run(name);
        prepared(database, 'DELETE FROM feed_acknowledgement WHERE consumer = ?').run(name);
      }),
    trim: (throughSeq, limit) =>
      ids.write((database) => {
        const { changes } = prepared(
          database,
          'DELETE FROM change_log WHERE seq IN (SELECT seq FROM change_log WHERE seq <= ? ORDER BY seq LIMIT ?)',
        ).run(throughSeq, limit);
        prepared(
          database,
          `DELETE FROM feed_acknowledgement WHERE id IN (
             SELECT id FROM feed_acknowledgement
             WHERE throughseq < (SELECT coalesce(min(seq), ?) FROM change_log) LIMIT ?)`,
        ).run(throughSeq + 1, limit);
        return changes;
      }),
    onCommit: (listener) => ids.onCommit(listener),
  };
}
