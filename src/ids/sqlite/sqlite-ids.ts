import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { Kysely, SqliteDialect, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { currentRequestId } from '../../platform/request-context.ts';
import type { Database } from '../database.ts';
import { fromSqlite, IdsError } from '../errors.ts';
import type { Ids, Origin } from '../ids.ts';
import { migrations } from '../migrations/index.ts';
import { createMutex } from './mutex.ts';

export interface SqliteIdsOptions {
  readonly file: string;
  /** A scratch database, attached as schema `staging`: rebuilt by its user, so it is not synced to disk. */
  readonly stagingFile?: string;
  /** `process` survives `kill -9`; `power` also a power cut, at about a third of the write rate. */
  readonly durability?: 'process' | 'power';
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The embedded engine: one file, one writer connection, one read-only connection, no waiting of readers for writers. */
export interface SqliteIds extends Ids {
  /** A prepared read, kept; for hot paths. */
  prepared<Parameters extends unknown[], Row>(sql: string): Sqlite.Statement<Parameters, Row>;
  /**
   * Runs `task` synchronously in a transaction of its own, after those before it, without stamping an origin: for what
   * is not watched, and for set-wise work that needs the bare connection.
   */
  write<T>(task: (database: Sqlite.Database) => T): Promise<T>;
  /** Called after each commit of `transaction`. */
  onCommit(listener: () => void): Disposable;
}

const BUSY_TIMEOUT_MS = 5_000;
/** Page cache of each connection, in KiB. */
const CACHE_KIB = 16 * 1024;
/** A checkpoint syncs the file and stalls the commit that meets it: make it rare. At 4 KiB a page, 16 MiB of log. */
const CHECKPOINT_PAGES = 4_000;
/** The scratch database is written from front to back and read where the system's own cache has it. */
const STAGING_CACHE_KIB = 4 * 1024;

/**
 * Opens the database, making or migrating it.
 * @throws IdsError `ids.corrupt`, `ids.busy`, `ids.disk-full`, `ids.newer-schema`
 */
export async function openSqliteIds(options: SqliteIdsOptions): Promise<SqliteIds> {
  const log = options.log.child({ subsystem: 'ids' });
  const opened: Sqlite.Database[] = [];
  try {
    mkdirSync(dirname(options.file), { recursive: true, mode: 0o700 });
    const writer = new Sqlite(options.file, { timeout: BUSY_TIMEOUT_MS });
    opened.push(writer);
    writer.pragma('journal_mode = WAL');
    writer.pragma(`synchronous = ${options.durability === 'power' ? 'FULL' : 'NORMAL'}`);
    writer.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    writer.pragma('foreign_keys = ON');
    writer.pragma(`cache_size = -${CACHE_KIB}`);
    writer.pragma('temp_store = MEMORY');
    if (options.stagingFile !== undefined) {
      attachStaging(writer, options.stagingFile, log);
    }
    const writing = new Kysely<Database>({ dialect: new SqliteDialect({ database: writer }) });
    await migrate(writing);
    const reader = new Sqlite(options.file, { readonly: true, timeout: BUSY_TIMEOUT_MS });
    opened.push(reader);
    reader.pragma('query_only = ON');
    reader.pragma(`cache_size = -${CACHE_KIB}`);
    const read = new Kysely<Database>({ dialect: new SqliteDialect({ database: reader }) });
    return createSqliteIds(writer, writing, reader, read, log, options.metrics);
  } catch (error) {
    for (const database of opened) database.close();
    throw fromSqlite(error, options.file);
  }
}

/** The scratch database is not synced to disk: one that a power cut has damaged is made anew. */
function attachStaging(writer: Sqlite.Database, file: string, log: Log): void {
  const attach = (): void => {
    writer.prepare('ATTACH DATABASE ? AS staging').run(file);
    writer.pragma('staging.journal_mode = WAL');
    writer.pragma('staging.synchronous = OFF');
    writer.pragma(`staging.cache_size = -${STAGING_CACHE_KIB}`);
    writer.prepare('SELECT count(*) FROM staging.sqlite_master').get();
  };
  try {
    attach();
  } catch (error) {
    const damage = fromSqlite(error);
    if (!(damage instanceof IdsError) || damage.code !== 'ids.corrupt') throw error;
    log.warn({ file }, 'the scratch database is damaged, and made anew');
    const attached = writer.pragma('database_list') as { readonly name: string }[];
    if (attached.some((each) => each.name === 'staging')) writer.exec('DETACH DATABASE staging');
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
    attach();
  }
}

async function migrate(db: Kysely<Database>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  if (error instanceof Error && /previously executed migration .* is missing/.test(error.message)) {
    throw new IdsError('ids.newer-schema', 'the data folder was written by a later release of imp-gateway', {
      cause: error,
    });
  }
  const failed = results?.find((result) => result.status === 'Error')?.migrationName;
  const known = fromSqlite(error);
  throw known === error ? new Error(`migration ${failed ?? ''} failed`, { cause: error }) : known;
}

function createSqliteIds(
  writer: Sqlite.Database,
  writing: Kysely<Database>,
  reader: Sqlite.Database,
  read: Kysely<Database>,
  log: Log,
  metrics: Metrics,
): SqliteIds {
  const mutex = createMutex();
  const statements = new Map<string, Sqlite.Statement<unknown[], unknown>>();
  const listeners = new Set<() => void>();
  const stamp = writer.prepare('UPDATE write_context SET origin = ?, requestid = ? WHERE id = 1');
  const transactions = metrics.counter('imp_ids_transactions_total', 'Committed IDS transactions', ['origin']);
  const rollbacks = metrics.counter('imp_ids_rollbacks_total', 'IDS transactions that were rolled back');
  let isClosed = false;

  const open = (): void => {
    if (isClosed) throw new IdsError('ids.closed', 'the database is closed');
    writer.exec('BEGIN IMMEDIATE');
  };
  const undo = (error: unknown): unknown => {
    // A full disk rolls back by itself.
    if (writer.inTransaction) writer.exec('ROLLBACK');
    rollbacks.inc();
    return fromSqlite(error);
  };

  return {
    read,
    async transaction<T>(origin: Origin, task: (trx: Transaction<Database>) => Promise<T>): Promise<T> {
      using _turn = await mutex.acquire();
      let result: T;
      try {
        open();
        stamp.run(origin, currentRequestId() ?? '');
        // The mutex makes the one connection this task's own, which is what a Transaction means to its callers.
        result = await task(writing as unknown as Transaction<Database>);
        // Other programs that write to the file are administrators.
        stamp.run('administrator', '');
        writer.exec('COMMIT');
      } catch (error) {
        throw undo(error);
      }
      transactions.inc({ origin: origin.startsWith('peer:') ? 'peer' : origin });
      for (const listener of listeners) listener();
      return result;
    },
    async write(task) {
      using _turn = await mutex.acquire();
      try {
        open();
        const result = task(writer);
        writer.exec('COMMIT');
        return result;
      } catch (error) {
        throw undo(error);
      }
    },
    prepared<Parameters extends unknown[], Row>(sql: string): Sqlite.Statement<Parameters, Row> {
      if (isClosed) throw new IdsError('ids.closed', 'the database is closed');
      const known = statements.get(sql);
      if (known) return known as Sqlite.Statement<Parameters, Row>;
      const made = reader.prepare<unknown[], unknown>(sql);
      statements.set(sql, made);
      return made as Sqlite.Statement<Parameters, Row>;
    },
    onCommit(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      using _turn = await mutex.acquire();
      isClosed = true;
      await read.destroy();
      await writing.destroy();
      if (reader.open) reader.close();
      if (writer.open) writer.close();
      log.debug('database closed');
    },
  };
}
