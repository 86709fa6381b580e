import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import type { Clock } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { currentRequestId } from '../../platform/request-context.ts';
import type { Database } from '../database.ts';
import { IdsError } from '../errors.ts';
import type { Ids, Origin } from '../ids.ts';
import { migrations } from '../migrations/index.ts';
import { listenForChanges } from './listen.ts';
import { CHANGE_CHANNEL, LOG_LOCK } from './log-function.ts';

export interface PostgresIdsOptions {
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; the password may also come from elsewhere. */
  readonly url: string;
  readonly password?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The engine for clusters. What another program or replication writes wakes the feed as our own commits do. */
export interface PostgresIds extends Ids {
  /** Called after each commit that logged a change, whoever wrote. */
  onCommit(listener: () => void): Disposable;
  /** For what is not watched: the feed's own tables. */
  readonly plain: Kysely<Database>;
}

const READERS = 6;
const CONNECT_MS = 5_000;
/** A statement that runs longer is a fault. */
const STATEMENT_MS = 60_000;
/** OID of bigint: numbers of ours stay below 2^53. */
const INT8 = 20;

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary'
      ? Number
      : pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

/**
 * Opens the database, making or migrating its tables. @throws IdsError `ids.away`, `ids.newer-schema`
 */
export async function openPostgresIds(options: PostgresIdsOptions): Promise<PostgresIds> {
  const log = options.log.child({ subsystem: 'ids' });
  const connection = {
    connectionString: options.url,
    ...(options.password !== undefined && { password: options.password }),
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    application_name: 'imp-gateway',
    types,
  };
  const writer = new pg.Pool({ ...connection, max: 1 });
  const plainPool = new pg.Pool({ ...connection, max: 2 });
  const reader = new pg.Pool({ ...connection, max: READERS, options: '-c default_transaction_read_only=on' });
  const pools = [writer, plainPool, reader];
  // A server that goes away ends idle connections: the next query makes new ones.
  for (const pool of pools) {
    pool.on('connect', (client) =>
      client.on('error', (error) => log.debug({ err: describeError(error) }, 'a database connection failed')),
    );
    pool.on('error', (error) => log.debug({ err: describeError(error) }, 'a database connection ended'));
  }
  const [writing, plain, read] = pools.map(
    (pool) => new Kysely<Database>({ dialect: new PostgresDialect({ pool }) }),
  ) as [Kysely<Database>, Kysely<Database>, Kysely<Database>];
  const close = async (): Promise<void> => {
    await Promise.all([writing.destroy(), plain.destroy(), read.destroy()]);
  };
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  try {
    await migrate(writing);
    const listening = await listenForChanges({
      connection,
      channel: CHANGE_CHANNEL,
      clock: options.clock,
      log,
      onChange: tell,
    });
    return createPostgresIds({
      writing,
      plain,
      read,
      listeners,
      options,
      async close() {
        await listening[Symbol.asyncDispose]();
        await close();
      },
    });
  } catch (error) {
    await close();
    throw fromPostgres(error);
  }
}

async function migrate(db: Kysely<Database>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  if (error instanceof Error && /previously executed migration .* is missing/.test(error.message)) {
    throw new IdsError('ids.newer-schema', 'the database was written by a later release of imp-gateway', {
      cause: error,
    });
  }
  const failed = results?.find((result) => result.status === 'Error')?.migrationName;
  const known = fromPostgres(error);
  throw known === error ? new Error(`migration ${failed ?? ''} failed`, { cause: error }) : known;
}

function createPostgresIds(parts: {
  readonly writing: Kysely<Database>;
  readonly plain: Kysely<Database>;
  readonly read: Kysely<Database>;
  readonly listeners: Set<() => void>;
  readonly options: PostgresIdsOptions;
  close(): Promise<void>;
}): PostgresIds {
  const { writing, plain, read, listeners, options } = parts;
  const transactions = options.metrics.counter('imp_ids_transactions_total', 'Committed IDS transactions', ['origin']);
  const rollbacks = options.metrics.counter('imp_ids_rollbacks_total', 'IDS transactions that were rolled back');
  let isClosed = false;
  return {
    read,
    plain,
    async transaction<T>(origin: Origin, task: (trx: Transaction<Database>) => Promise<T>): Promise<T> {
      if (isClosed) throw new IdsError('ids.closed', 'the database is closed');
      let result: T;
      try {
        // The pool has one connection: transactions of this node come one after the other.
        result = await writing.transaction().execute(async (trx) => {
          await sql`SELECT set_config('imp.origin', ${origin}, true), set_config('imp.request', ${currentRequestId() ?? ''}, true)`.execute(
            trx,
          );
          // Those of other writers too: what is read here is not changed before it is written.
          await sql`SELECT pg_advisory_xact_lock(${sql.lit(LOG_LOCK)})`.execute(trx);
          return await task(trx);
        });
      } catch (error) {
        rollbacks.inc();
        throw fromPostgres(error);
      }
      transactions.inc({ origin: origin.startsWith('peer:') ? 'peer' : origin });
      for (const listener of listeners) listener();
      return result;
    },
    onCommit(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      isClosed = true;
      await parts.close();
    },
  };
}

/** Classes of SQLSTATE that say something of the surroundings: no connection, no resources, going down. */
const AWAY = /^(08|57P|53300)/;

/** Turns what PostgreSQL says of its surroundings into our words; anything else passes through. */
export function fromPostgres(error: unknown): unknown {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  if (code === '53100') return new IdsError('ids.disk-full', 'the disk is full: nothing was written', { cause: error });
  const isAway =
    (typeof code === 'string' && (AWAY.test(code) || /^E[A-Z]+$/.test(code))) ||
    (typeof message === 'string' && /connection terminated|timeout exceeded when trying to connect/i.test(message));
  return isAway ? new IdsError('ids.away', 'the database does not answer', { cause: error }) : error;
}
