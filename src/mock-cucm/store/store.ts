import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { LRUCache } from 'lru-cache';
import { createMutex } from '../../ids/sqlite/mutex.ts';
import type { Clock } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';
import { fromDatabase } from '../message/axl-fault.ts';
import type { Reading, SqlValue, Writing } from './access.ts';
import { type ObjectChange, takeChanges, watchChanges } from './changes.ts';
import { createSchema } from './schema.ts';
import { addMatcher } from './wildcard.ts';

/** CUCM's database: one file, whose tables have CUCM's names, so that SQL of clients runs on them as they are. */
export interface Store extends Disposable {
  readonly file: string;
  readonly read: Reading;
  /** Runs `task` in a transaction; what it changed is handed on after the commit. @throws AxlFault */
  write<T>(task: (writing: Writing) => T): Promise<T>;
  /** Keeps writes waiting while another process writes to the file. */
  hold(): Promise<Disposable>;
  /** Called after each commit that changed something. */
  onChanges(listener: (changes: readonly ObjectChange[]) => void): void;
}

export interface StoreOptions {
  /** null: a temporary folder, removed when the store is disposed. */
  readonly dataDir: string | null;
  readonly clock: Clock;
  /** Ends the filling. */
  readonly signal?: AbortSignal;
  /** Fills a new database, or adds to one; runs before changes are watched. */
  readonly seed: (writing: Writing, isNew: boolean) => Promise<void>;
}

const FILE = 'cucm.db';
/** Lists name any choice of tags, each choice a statement of its own. */
const STATEMENTS = 500;
/** `PRAGMA user_version` of a database that was filled completely. */
const SEEDED = 1;
const CACHE_KIB = 32 * 1024;

/** @throws ImpError `mock-cucm.data` when the data folder cannot be used; the signal's reason */
export async function openStore(options: StoreOptions): Promise<Store> {
  const temporary = options.dataDir === null ? mkdtempSync(join(tmpdir(), 'imp-mock-cucm-db-')) : undefined;
  const folder = temporary ?? (options.dataDir as string);
  const file = join(folder, FILE);
  const discard = (): void => {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
  };
  let db: Sqlite.Database | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    db = new Sqlite(file, { timeout: 5_000 });
    db.pragma('temp_store = MEMORY');
    addMatcher(db);
    db.pragma(`cache_size = -${CACHE_KIB}`);
    return await createStore(db, file, options, discard);
  } catch (cause) {
    db?.close();
    discard();
    throw cause instanceof ImpError || options.signal?.aborted
      ? cause
      : new ImpError('unavailable', 'mock-cucm.data', `the mock's database ${file} cannot be used`, { cause });
  }
}

async function createStore(
  db: Sqlite.Database,
  file: string,
  options: StoreOptions,
  discard: () => void,
): Promise<Store> {
  const statements = new LRUCache<string, Sqlite.Statement<unknown[], unknown>>({ max: STATEMENTS });
  const statement = (sql: string): Sqlite.Statement<unknown[], unknown> => {
    const known = statements.get(sql);
    if (known) return known;
    const made = db.prepare<unknown[], unknown>(sql);
    statements.set(sql, made);
    return made;
  };
  const read: Reading = {
    statement,
    get: <Row>(sql: string, ...values: SqlValue[]) => statement(sql).get(...values) as Row | undefined,
    all: <Row>(sql: string, ...values: SqlValue[]) => statement(sql).all(...values) as Row[],
  };
  const writing: Writing = {
    ...read,
    run: (sql, ...values) => statement(sql).run(...values).changes,
    newPkid: () => randomUUID(),
    now: () => options.clock.now(),
  };
  const transact = <T>(task: () => T): T => {
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = task();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      throw fromDatabase(error);
    }
  };
  await fill(db, async () => {
    createSchema(db);
    await options.seed(writing, db.pragma('user_version', { simple: true }) !== SEEDED);
    db.pragma(`user_version = ${SEEDED}`);
  });
  db.pragma('journal_mode = WAL');
  // What is acknowledged survives the process, not the machine: it is a mock.
  db.pragma(`synchronous = ${options.dataDir === null ? 'OFF' : 'NORMAL'}`);
  db.pragma('foreign_keys = ON');
  watchChanges(db);

  const mutex = createMutex();
  const listeners: ((changes: readonly ObjectChange[]) => void)[] = [];
  return {
    file,
    read,
    async write(task) {
      using _turn = await mutex.acquire();
      const [result, changes] = transact(() => [task(writing), takeChanges(db)] as const);
      if (changes.length > 0) for (const listener of listeners) listener(changes);
      return result;
    },
    hold: () => mutex.acquire(),
    onChanges: (listener) => void listeners.push(listener),
    [Symbol.dispose]() {
      statements.clear();
      db.close();
      discard();
    },
  };
}

/**
 * Fills a database: everything is written once, without the detour by the log; a kill in the middle is undone by the
 * rollback journal. What is seeded refers to what was seeded before it, so foreign keys need no check. Nobody else has the
 * database yet, so the one transaction may last while other things are done.
 */
async function fill(db: Sqlite.Database, task: () => Promise<void>): Promise<void> {
  db.pragma('journal_mode = TRUNCATE');
  db.pragma('synchronous = OFF');
  db.pragma('foreign_keys = OFF');
  db.exec('BEGIN IMMEDIATE');
  try {
    await task();
    db.exec('COMMIT');
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw fromDatabase(error);
  }
}
