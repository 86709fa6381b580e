import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from '../database.ts';
import { mergeStaged } from '../staging/merge.ts';
import type { StagedRow, StagedTable, Staging } from '../staging.ts';
import { fromPostgres, type PostgresIds } from './postgres-ids.ts';

/** Most parameters that one statement may have. */
const MOST_PARAMETERS = 60_000;

/** The scratch area on PostgreSQL: a schema of unlogged tables, which outlive a process that dies, not a server. */
export function createPostgresStaging(ids: PostgresIds, tables: readonly StagedTable[]): Staging {
  const shape = tables.map((table) => `${table.name}(${table.columns.join(',')})`).join(';');
  const nameOf = (table: StagedTable): RawBuilder<unknown> => sql.raw(`staging.${table.name}`);
  const list = (columns: readonly string[]): RawBuilder<unknown> => sql.raw(columns.join(', '));

  const inOne = async <T>(task: (trx: Transaction<Database>) => Promise<T>): Promise<T> => {
    try {
      return await ids.plain.transaction().execute(task);
    } catch (error) {
      throw fromPostgres(error);
    }
  };
  const index = (db: Kysely<Database>, table: StagedTable): Promise<unknown> =>
    sql`CREATE UNIQUE INDEX ${sql.raw(`${table.name}_by_key`)} ON ${nameOf(table)} (${list(table.key)})`.execute(db);

  const remake = async (db: Kysely<Database>, run: string): Promise<void> => {
    await sql`DROP SCHEMA IF EXISTS staging CASCADE`.execute(db);
    await sql`CREATE SCHEMA staging`.execute(db);
    for (const table of tables) {
      // The types of the table that they are merged into.
      await sql`CREATE UNLOGGED TABLE ${nameOf(table)} AS
        SELECT ${list(table.columns)} FROM ${sql.raw(`public.${table.name}`)} WITH NO DATA`.execute(db);
      await index(db, table);
    }
    await sql`CREATE UNLOGGED TABLE staging.run (id text NOT NULL, shape text NOT NULL)`.execute(db);
    await sql`CREATE UNLOGGED TABLE staging.stage (name text PRIMARY KEY, rows bigint NOT NULL)`.execute(db);
    await sql`INSERT INTO staging.run (id, shape) VALUES (${run}, ${shape})`.execute(db);
  };

  const isKnown = async (db: Kysely<Database>, run: string): Promise<boolean> => {
    const has = await sql<{ is: boolean }>`SELECT to_regclass('staging.run') IS NOT NULL AS is`.execute(db);
    if (has.rows[0]?.is !== true) return false;
    const found = await sql`SELECT 1 FROM staging.run WHERE id = ${run} AND shape = ${shape}`.execute(db);
    return found.rows.length > 0;
  };

  const insert = async (db: Kysely<Database>, table: StagedTable, rows: readonly StagedRow[]): Promise<void> => {
    // Without the index of its keys a table is being loaded, perhaps by a process that was cut off.
    const indexed = await sql<{
      is: boolean;
    }>`SELECT to_regclass(${`staging.${table.name}_by_key`}) IS NOT NULL AS is`.execute(db);
    const isLoading = indexed.rows[0]?.is !== true;
    // One statement may not meet a key twice: the last of a key counts.
    const byKey = new Map(rows.map((row, place) => [isLoading ? String(place) : keyOf(table, row), row]));
    const all = [...byKey.values()];
    const atOnce = Math.floor(MOST_PARAMETERS / table.columns.length);
    const others = table.columns.filter((column) => !table.key.includes(column));
    const set = others.map((column) => `${column} = excluded.${column}`).join(', ');
    const conflict = isLoading
      ? sql``
      : sql`ON CONFLICT (${list(table.key)}) ${sql.raw(set === '' ? 'DO NOTHING' : `DO UPDATE SET ${set}`)}`;
    for (let from = 0; from < all.length; from += atOnce) {
      const values = all
        .slice(from, from + atOnce)
        .map((row) => sql`(${sql.join(table.columns.map((column) => row[column] ?? null))})`);
      await sql`INSERT INTO ${nameOf(table)} (${list(table.columns)}) VALUES ${sql.join(values)} ${conflict}`.execute(
        db,
      );
    }
  };

  /** Of rows with one key the last one stays. */
  const sort = async (db: Kysely<Database>, table: StagedTable): Promise<void> => {
    const sameKey = sql.raw(table.key.map((column) => `a.${column} = b.${column}`).join(' AND '));
    await sql`CREATE INDEX staging_sort ON ${nameOf(table)} (${list(table.key)})`.execute(db);
    await sql`DELETE FROM ${nameOf(table)} AS a USING ${nameOf(table)} AS b WHERE ${sameKey} AND a.ctid < b.ctid`.execute(
      db,
    );
    await sql`DROP INDEX staging.staging_sort`.execute(db);
    await index(db, table);
  };

  return {
    begin: (run) =>
      inOne(async (db) => {
        if (!(await isKnown(db, run))) await remake(db, run);
        const { rows } = await sql<{ name: string; rows: number }>`SELECT name, rows FROM staging.stage`.execute(db);
        return new Map(rows.map((row) => [row.name, Number(row.rows)]));
      }),
    clear: (table) => inOne(async (db) => void (await sql`DELETE FROM ${nameOf(table)}`.execute(db))),
    load: (table) =>
      inOne(async (db) => {
        await sql`TRUNCATE ${nameOf(table)}`.execute(db);
        await sql`DROP INDEX IF EXISTS ${sql.raw(`staging.${table.name}_by_key`)}`.execute(db);
      }),
    put: (table, rows) => inOne((db) => insert(db, table, rows)),
    completeStage: (stage, count, loaded) =>
      inOne(async (db) => {
        for (const table of loaded) await sort(db, table);
        await sql`INSERT INTO staging.stage (name, rows) VALUES (${stage}, ${count})
          ON CONFLICT (name) DO UPDATE SET rows = excluded.rows`.execute(db);
      }),
    count: (table) =>
      inOne(async (db) => {
        const { rows } = await sql<{ rows: number }>`SELECT count(*) AS rows FROM ${nameOf(table)}`.execute(db);
        return Number(rows[0]?.rows ?? 0);
      }),
    absent: (table, keys) =>
      inOne(async (db) => {
        if (keys.length === 0) return [];
        const column = sql.raw(table.key[0] ?? '');
        const { rows } = await sql<{
          key: string;
        }>`SELECT ${column} AS key FROM ${nameOf(table)} WHERE ${column} IN (${sql.join(keys)})`.execute(db);
        const known = new Set(rows.map(({ key }) => key));
        return keys.filter((key) => !known.has(key));
      }),
    end: () => inOne((db) => remake(db, '')),
    atLength: (transaction) => transaction(),
    merge: mergeStaged,
  };
}

function keyOf(table: StagedTable, row: StagedRow): string {
  return table.key.map((column) => String(row[column])).join('\u001f');
}
