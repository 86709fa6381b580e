import { type Kysely, sql } from 'kysely';
import type { WatchedTable } from '../database.ts';
import { dialectOf } from '../dialect.ts';
import { postgresTriggers } from '../postgres/log-function.ts';
import { sqliteTriggers } from '../triggers.ts';

/** `text` and `integer` are NOT NULL with an empty default; a question mark makes them nullable. */
export type ColumnType = 'text' | 'integer' | 'text?' | 'integer?';

export interface TableShape {
  readonly key: readonly string[];
  readonly columns: Readonly<Record<string, ColumnType>>;
  /** Columns or expressions, each an index of its own. */
  readonly indexes?: readonly string[];
}

/** Creates a table (on SQLite a STRICT one) with its key and indexes. Names come from migrations, never from input. */
export async function createTable(db: Kysely<unknown>, name: string, shape: TableShape): Promise<void> {
  const isSqlite = dialectOf(db) === 'sqlite';
  const columns = Object.entries(shape.columns).map(([column, type]) => {
    const isText = type.startsWith('text');
    const sqlType = isText ? 'TEXT' : isSqlite ? 'INTEGER' : 'BIGINT';
    if (type.endsWith('?')) return `${column} ${sqlType}`;
    const isKey = shape.key.includes(column);
    return `${column} ${sqlType} NOT NULL${isKey ? '' : ` DEFAULT ${isText ? "''" : '0'}`}`;
  });
  await sql
    .raw(
      `CREATE TABLE ${name} (${columns.join(', ')}, PRIMARY KEY (${shape.key.join(', ')}))${isSqlite ? ' STRICT, WITHOUT ROWID' : ''}`,
    )
    .execute(db);
  for (const [place, expression] of (shape.indexes ?? []).entries()) {
    await sql.raw(`CREATE INDEX ${name}_by_${place + 1} ON ${name} (${expression})`).execute(db);
  }
}

/** The same, and its changes are logged. */
export async function createWatchedTable(db: Kysely<unknown>, name: WatchedTable, shape: TableShape): Promise<void> {
  await createTable(db, name, shape);
  const triggersOf = dialectOf(db) === 'sqlite' ? sqliteTriggers : postgresTriggers;
  for (const trigger of triggersOf({ name, key: shape.key, columns: Object.keys(shape.columns) })) {
    await sql.raw(trigger).execute(db);
  }
}
