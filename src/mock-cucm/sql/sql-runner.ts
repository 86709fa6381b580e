import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Markup } from '../../xml/write.ts';
import { AXL_CODE, AxlFault } from '../message/axl-fault.ts';
import { tooLarge } from '../message/reply-builder.ts';
import type { ObjectChange } from '../store/changes.ts';
import type { Store } from '../store/store.ts';
import { openQuickQueries, type QueryAnswer, type UpdateAnswer } from './sql-database.ts';
import { SQL_CODE, SqlFault } from './sql-errors.ts';

/** Runs clients' SQL. */
export interface SqlRunner extends AsyncDisposable {
  /** The `return` element. @throws AxlFault */
  query(sql: string): Promise<Markup>;
  /** Rows touched. @throws AxlFault */
  update(sql: string): Promise<number>;
}

/** What goes to the process that runs SQL. */
export interface SqlJob {
  readonly kind: 'query' | 'update';
  readonly sql: string;
}

/** What comes back. */
export type SqlAnswer =
  | { readonly ok: true; readonly answer: QueryAnswer | UpdateAnswer }
  | { readonly ok: false; readonly axlCode: number; readonly message: string };

export interface SqlRunnerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Longest run of a statement. */
  readonly limitMs?: number;
  readonly onChanges: (changes: readonly ObjectChange[]) => void;
}

/** The first word of a process that runs SQL. */
export const READY = 'ready';
const INTERRUPTED: SqlAnswer = {
  ok: false,
  axlCode: SQL_CODE.interrupted,
  message: 'Statement interrupted by user.',
};
const LIMIT_MS = 20_000;
/** A runaway query must not keep others waiting. */
const MOST_PROCESSES = 3;
const MOST_SQL_LENGTH = 1024 * 1024;

interface Host {
  readonly child: ChildProcess;
  /** Resolves when it takes statements, or is gone. */
  readonly ready: Promise<void>;
  run(job: SqlJob): Promise<SqlAnswer>;
}

/**
 * SQLite cannot be told to stop a statement from within, so clients' SQL runs in processes of its own: one that takes too
 * long is killed, and SQLite undoes what it had begun. They are started when first needed. Queries that read one table and
 * no more are answered here, without the way there and back.
 */
export function createSqlRunner(options: SqlRunnerOptions): SqlRunner {
  const { store, clock } = options;
  const log = options.log.child({ subsystem: 'mock-cucm' });
  const limitMs = options.limitMs ?? LIMIT_MS;
  const hosts = new Set<Host>();
  const idle: Host[] = [];
  const waiting: ((host: Host) => void)[] = [];
  const quick = openQuickQueries(store.file);
  let isClosed = false;

  const spawn = (): Host => {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const file = fileURLToPath(new URL(`./sql-host.${extension}`, import.meta.url));
    const child = fork(file, [store.file], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
    let settle: ((answer: SqlAnswer) => void) | undefined;
    let isReady: () => void = () => undefined;
    const host: Host = {
      child,
      ready: new Promise((resolve) => {
        isReady = resolve;
      }),
      run: (job) =>
        new Promise((resolve) => {
          settle = resolve;
          if (!hosts.has(host)) resolve(INTERRUPTED);
          else
            child.send(job, (error) => {
              if (error) child.kill('SIGKILL');
            });
        }),
    };
    child.on('message', (answer) => {
      if (answer === READY) {
        isReady();
        return;
      }
      const done = settle;
      settle = undefined;
      done?.(answer as SqlAnswer);
    });
    child.on('error', (error) => log.error({ err: error }, 'the SQL process failed'));
    child.on('exit', () => {
      hosts.delete(host);
      const at = idle.indexOf(host);
      if (at >= 0) idle.splice(at, 1);
      isReady();
      settle?.(INTERRUPTED);
      // Whoever waits for a process gets a new one.
      if (!isClosed && waiting.length > 0) waiting.shift()?.(spawn());
    });
    hosts.add(host);
    return host;
  };
  const acquire = (): Promise<Host> => {
    const free = idle.pop();
    if (free) return Promise.resolve(free);
    if (hosts.size < MOST_PROCESSES) return Promise.resolve(spawn());
    return new Promise((resolve) => waiting.push(resolve));
  };
  const release = (host: Host): void => {
    if (!hosts.has(host)) return;
    const next = waiting.shift();
    if (next) next(host);
    else idle.push(host);
  };

  const run = async (job: SqlJob): Promise<QueryAnswer | UpdateAnswer> => {
    if (isClosed) throw new AxlFault(AXL_CODE.unknownFailure, 'The database is not available');
    if (job.sql.length > MOST_SQL_LENGTH) throw new AxlFault(AXL_CODE.syntax, 'A syntax error has occurred.', 'Client');
    const host = await acquire();
    await host.ready;
    const timer = clock.schedule(limitMs, () => {
      log.warn({ limitMs }, 'a SQL statement ran too long and was ended');
      host.child.kill('SIGKILL');
    });
    const answer = await host.run(job);
    timer[Symbol.dispose]();
    release(host);
    if (answer.ok) return answer.answer;
    throw new AxlFault(answer.axlCode, answer.message, 'Client');
  };

  const quickly = (sql: string): QueryAnswer | undefined => {
    try {
      return quick.quickQuery(sql);
    } catch (error) {
      if (error instanceof SqlFault) throw new AxlFault(error.axlCode, error.message, 'Client');
      throw error;
    }
  };

  return {
    async query(sql) {
      const answer = quickly(sql) ?? ((await run({ kind: 'query', sql })) as QueryAnswer);
      if (answer.kind === 'too-large') throw tooLarge(answer.total, answer.fitting);
      return answer.markup as Markup;
    },
    async update(sql) {
      // The other process writes: ours must not try to meanwhile.
      using _turn = await store.hold();
      const answer = (await run({ kind: 'update', sql })) as UpdateAnswer;
      if (answer.changes.length > 0) options.onChanges(answer.changes);
      return answer.rowsUpdated;
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      const gone = [...hosts].map(
        (host) =>
          new Promise<void>((resolve) => {
            if (host.child.exitCode !== null || host.child.signalCode !== null) resolve();
            else host.child.once('exit', () => resolve());
            host.child.kill('SIGKILL');
          }),
      );
      await Promise.all(gone);
      quick[Symbol.dispose]();
    },
  };
}
