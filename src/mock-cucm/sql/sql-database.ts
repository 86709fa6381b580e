import { randomUUID } from 'node:crypto';
import Sqlite from 'better-sqlite3';
import { isXmlText, text } from '../../xml/write.ts';
import { createReplyBuilder } from '../message/reply-builder.ts';
import { type ObjectChange, takeChanges, watchChanges } from '../store/changes.ts';
import { sqlTables } from '../store/schema.ts';
import { matchesWildcard } from '../store/wildcard.ts';
import { fromSqlite, refused, SQL_CODE, SqlFault, unknownTable } from './sql-errors.ts';
import { translate } from './translate.ts';

/** Clients' SQL on a connection of its own. */
export interface SqlDatabase extends Disposable {
  /** The `return` element of the answer. @throws SqlFault */
  query(sql: string): QueryAnswer;
  /** @throws SqlFault */
  update(sql: string): UpdateAnswer;
}

/** Queries whose cost is bounded by the size of one table. */
export interface QuickQueries extends Disposable {
  /** Undefined when the query may cost more. @throws SqlFault */
  quickQuery(sql: string): QueryAnswer | undefined;
}

export type QueryAnswer =
  | { readonly kind: 'rows'; readonly markup: string }
  | { readonly kind: 'too-large'; readonly total: number; readonly fitting: number };

export interface UpdateAnswer {
  readonly rowsUpdated: number;
  readonly changes: readonly ObjectChange[];
}

/** Memory of SQLite in this process: strings that grow by themselves end in an error, not in the machine's swap. */
const MOST_HEAP_BYTES = 256 * 1024 * 1024;
/** Wide results cost their columns each; more than this is no script's. */
const MOST_COLUMNS = 500;

/** A read-only view of it alone, for the process that must not be kept waiting. */
export function openQuickQueries(file: string): QuickQueries {
  const reader = new Sqlite(file, { readonly: true, timeout: 0 });
  prepareConnection(reader);
  return {
    quickQuery(sql) {
      if (sql.length > MOST_QUICK_LENGTH || !isPlain(sql)) return undefined;
      const translated = translate(sql);
      if (translated.kind === 'update') return undefined;
      return guarded(() => {
        checkTables(reader, translated.sql);
        return isOneLoop(reader, translated.sql) ? runQuery(reader, translated.sql) : undefined;
      });
    },
    [Symbol.dispose]: () => void reader.close(),
  };
}

const MOST_QUICK_LENGTH = 64 * 1024;
const QUICK_FUNCTIONS = /^(?:count|lower|my_lower|in|by|and|or|not|where)$/i;

/** Names, comparisons and lists only: no expression whose values outgrow the table's. */
function isPlain(sql: string): boolean {
  if (sql.includes('||') || /\b(?:like|matches)\b/i.test(sql)) return false;
  return [...sql.matchAll(/(\w+)\s*\(/g)].every((call) => QUICK_FUNCTIONS.test(call[1] as string));
}

/** One table read once, sorted at most. */
function isOneLoop(db: Sqlite.Database, sql: string): boolean {
  const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { readonly detail: string }[];
  const loops = steps.filter((step) => !step.detail.startsWith('USE TEMP B-TREE'));
  return loops.length === 1 && /^(?:SCAN|SEARCH) /.test(loops[0]?.detail ?? '');
}

export function openSqlDatabase(file: string): SqlDatabase {
  const reader = new Sqlite(file, { readonly: true, timeout: 5_000 });
  const writer = new Sqlite(file, { timeout: 5_000 });
  for (const db of [reader, writer]) prepareConnection(db);
  writer.pragma('foreign_keys = ON');
  watchChanges(writer);
  reader.pragma(`hard_heap_limit = ${MOST_HEAP_BYTES}`);
  return {
    query(sql) {
      const translated = translate(sql);
      if (translated.kind === 'update') {
        throw refused('A query must not change data: use executeSQLUpdate. (rule 1)');
      }
      return guarded(() => runQuery(reader, translated.sql));
    },
    update(sql) {
      const translated = translate(sql);
      if (translated.kind === 'query' || translated.target === undefined) {
        throw refused('An update must be an insert, update or delete. (rule 2)');
      }
      const { target } = translated;
      if (!sqlTables().has(target)) throw unknownTable(target);
      if (target.startsWith('type')) throw refused(`The table ${target} is read only. (rule 3)`);
      return guarded(() => runUpdate(writer, translated.sql));
    },
    [Symbol.dispose]() {
      reader.close();
      writer.close();
    },
  };
}

function guarded<T>(task: () => T): T {
  try {
    return task();
  } catch (error) {
    throw fromSqlite(error);
  }
}

function prepareConnection(db: Sqlite.Database): void {
  // Informix tells upper from lower case.
  db.function('like', { deterministic: true }, likeFunction);
  db.pragma('temp_store = MEMORY');
  db.function('newid', { deterministic: false }, () => randomUUID());
  db.function('my_lower', { deterministic: true }, (value: unknown) => folded(value, (text) => text.toLowerCase()));
  db.function('lower', { deterministic: true }, (value: unknown) => folded(value, (text) => text.toLowerCase()));
  db.function('upper', { deterministic: true }, (value: unknown) => folded(value, (text) => text.toUpperCase()));
  db.function('initcap', { deterministic: true }, (value: unknown) =>
    folded(value, (text) => text.toLowerCase().replace(/(^|\s)\S/gu, (letter) => letter.toUpperCase())),
  );
  db.function('nvl', { deterministic: true }, (value: unknown, otherwise: unknown) => value ?? otherwise ?? null);
  db.function('decode', { deterministic: true, varargs: true }, decodeFunction);
  db.function('lpad', { deterministic: true, varargs: true }, (...args: unknown[]) => padded(args, 'start'));
  db.function('rpad', { deterministic: true, varargs: true }, (...args: unknown[]) => padded(args, 'end'));
  db.function('dbinfo', (what: unknown) => (what === 'utc_current' ? Math.floor(Date.now() / 1000) : null));
}

function likeFunction(pattern: unknown, value: unknown): number | null {
  if (pattern === null || value === null) return null;
  return Number(matchesWildcard(String(pattern), String(value), true));
}

function folded(value: unknown, fold: (text: string) => string): string | null {
  return value === null || value === undefined ? null : fold(String(value));
}

function decodeFunction(...[value, ...cases]: unknown[]): unknown {
  for (let at = 0; at + 1 < cases.length; at += 2) if (cases[at] === value) return cases[at + 1];
  return cases.length % 2 === 1 ? cases.at(-1) : null;
}

const MOST_PADDING = 4096;

function padded([value, length, filler]: readonly unknown[], side: 'start' | 'end'): string | null {
  if (value === null || value === undefined) return null;
  const width = Math.min(Math.max(0, Number(length) || 0), MOST_PADDING);
  const whole = String(value);
  if (whole.length >= width) return whole.slice(0, width);
  const fill = String(filler ?? ' ');
  return side === 'start' ? whole.padStart(width, fill) : whole.padEnd(width, fill);
}

interface Step {
  readonly opcode: string;
  readonly p2: number;
  readonly p3: number;
}

/**
 * Asks SQLite itself which tables the statement opens: whatever slipped through the translation, only CUCM's tables are
 * reachable, and no virtual one.
 */
function checkTables(db: Sqlite.Database, sql: string): void {
  const roots = new Map(
    (
      db.prepare("SELECT tbl_name AS name, rootpage FROM sqlite_schema WHERE type IN ('table', 'index')").all() as {
        name: string;
        rootpage: number;
      }[]
    ).map((row) => [row.rootpage, row.name]),
  );
  const allowed = sqlTables();
  for (const step of db.prepare(`EXPLAIN ${sql}`).all() as Step[]) {
    if (step.opcode === 'VOpen') throw unknownTable('');
    if (step.opcode !== 'OpenRead' && step.opcode !== 'OpenWrite' && step.opcode !== 'ReopenIdx') continue;
    // Temporary tables are those of our own triggers: no name reaches them.
    if (step.p3 !== 0) continue;
    const table = roots.get(step.p2);
    if (table === undefined || !allowed.has(table)) throw unknownTable(table ?? '');
  }
}

function runQuery(db: Sqlite.Database, sql: string): QueryAnswer {
  checkTables(db, sql);
  const statement = db.prepare<unknown[], unknown>(sql);
  if (!statement.readonly) throw refused('A query must not change data: use executeSQLUpdate. (rule 1)');
  const columns = statement.columns();
  if (columns.length > MOST_COLUMNS) throw new SqlFault(SQL_CODE.other, 'The query selects too many columns.');
  const tags = columns.map((column) => tagOf(column.name));
  const reply = createReplyBuilder();
  for (const row of statement.raw(true).iterate() as IterableIterator<unknown[]>) {
    if (reply.add(rowMarkup(tags, row))) continue;
    const total = db.prepare(`SELECT count(*) FROM (${sql})`).pluck();
    return { kind: 'too-large', total: Number(total.get()), fitting: reply.rows };
  }
  return { kind: 'rows', markup: reply.returned() };
}

function runUpdate(db: Sqlite.Database, sql: string): UpdateAnswer {
  checkTables(db, sql);
  const statement = db.prepare<unknown[], unknown>(sql);
  if (statement.reader) throw refused('An update must not return rows. (rule 2)');
  db.exec('BEGIN IMMEDIATE');
  try {
    const rowsUpdated = statement.run().changes;
    const changes = takeChanges(db);
    db.exec('COMMIT');
    return { rowsUpdated, changes };
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

interface Tag {
  readonly open: string;
  readonly close: string;
  readonly empty: string;
}

/** An element name for a column: its name in lower case; what has none is called by what it is. */
function tagOf(column: string): Tag {
  const lower = column.toLowerCase();
  const name = /^[a-z_][a-z0-9_]*$/.test(lower)
    ? lower
    : (/^([a-z_][a-z0-9_]*) ?\(/.exec(lower)?.[1] ?? (/^['\d]/.test(lower) ? 'constant' : 'expression'));
  return { open: `<${name}>`, close: `</${name}>`, empty: `<${name}/>` };
}

function rowMarkup(tags: readonly Tag[], row: readonly unknown[]): string {
  let markup = '<row>';
  for (let at = 0; at < tags.length; at += 1) {
    const value = row[at];
    const tag = tags[at] as Tag;
    markup += value === null || value === '' ? tag.empty : tag.open + shown(value) + tag.close;
  }
  return `${markup}</row>`;
}

function shown(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const words = String(value);
  return text(isXmlText(words) ? words : '');
}
