import type Sqlite from 'better-sqlite3';
import { mergeStaged } from '../staging/merge.ts';
import type { StagedTable, Staging } from '../staging.ts';
import { withLateCheckpoint } from './checkpoint.ts';
import type { SqliteIds } from './sqlite-ids.ts';

/**
 * The scratch area of the embedded engine: the attached schema `staging`. Rows lie in the order in which they came, with
 * an index of their keys: rows that are sorted while they come touch a page of the file each, which is most of the cost.
 */
export function createSqliteStaging(ids: SqliteIds, tables: readonly StagedTable[]): Staging {
  const inserts = new Map<string, Sqlite.Statement>();
  const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

  /** Shapes of another release are not reused. */
  const shape = `appended;${tables.map((table) => `${table.name}(${table.columns.join(',')})`).join(';')}`;

  const index = (database: Sqlite.Database, table: StagedTable): void => {
    database.exec(`CREATE UNIQUE INDEX staging.${indexOf(table)} ON ${table.name} (${table.key.join(', ')})`);
  };

  /** Sorts what was loaded. */
  const sort = (database: Sqlite.Database, table: StagedTable): void => {
    try {
      index(database, table);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'SQLITE_CONSTRAINT_UNIQUE') throw error;
      database.exec(
        `DELETE FROM staging.${table.name} WHERE rowid NOT IN (
           SELECT max(rowid) FROM staging.${table.name} GROUP BY ${table.key.join(', ')})`,
      );
      index(database, table);
    }
  };

  const remake = (database: Sqlite.Database, run: string): void => {
    inserts.clear();
    database.exec('DROP TABLE IF EXISTS staging.run');
    database.exec('DROP TABLE IF EXISTS staging.stage');
    for (const table of tables) {
      database.exec(`DROP TABLE IF EXISTS staging.${table.name}`);
      // Values are checked by the STRICT table that they are merged into.
      database.exec(`CREATE TABLE staging.${table.name} (${table.columns.join(', ')})`);
      index(database, table);
    }
    database.exec('CREATE TABLE staging.run (id TEXT NOT NULL, shape TEXT NOT NULL)');
    database.exec('CREATE TABLE staging.stage (name TEXT PRIMARY KEY, rows INTEGER NOT NULL)');
    database.exec(`INSERT INTO staging.run (id, shape) VALUES (${quoted(run)}, ${quoted(shape)})`);
  };

  const isKnown = (database: Sqlite.Database, run: string): boolean => {
    const has = database.prepare("SELECT 1 FROM staging.sqlite_master WHERE name = 'run'").get() !== undefined;
    if (!has) return false;
    return database.prepare('SELECT 1 FROM staging.run WHERE id = ? AND shape = ?').get(run, shape) !== undefined;
  };

  return {
    begin: (run) =>
      ids.write((database) => {
        if (!isKnown(database, run)) remake(database, run);
        const rows = database.prepare('SELECT name, rows FROM staging.stage').all() as { name: string; rows: number }[];
        return new Map(rows.map((row) => [row.name, row.rows]));
      }),
    clear: (table) => ids.write((database) => void database.exec(`DELETE FROM staging.${table.name}`)),
    load: (table) =>
      ids.write((database) => {
        database.exec(`DELETE FROM staging.${table.name}`);
        database.exec(`DROP INDEX IF EXISTS staging.${indexOf(table)}`);
      }),
    put: (table, rows) =>
      ids.write((database) => {
        let insert = inserts.get(table.name);
        if (!insert) {
          insert = database.prepare(
            `INSERT OR REPLACE INTO staging.${table.name} (${table.columns.join(', ')})
             VALUES (${table.columns.map(() => '?').join(', ')})`,
          );
          inserts.set(table.name, insert);
        }
        const { columns } = table;
        // Without an index nothing is looked for: the rows are appended.
        for (const row of rows) insert.run(columns.map((column) => row[column] ?? null));
      }),
    completeStage: (stage, count, loaded) =>
      ids.write((database) => {
        for (const table of loaded) sort(database, table);
        database.prepare('INSERT OR REPLACE INTO staging.stage (name, rows) VALUES (?, ?)').run(stage, count);
      }),
    count: (table) =>
      ids.write((database) => {
        const row = database.prepare(`SELECT count(*) AS rows FROM staging.${table.name}`).get();
        return (row as { rows: number }).rows;
      }),
    absent: (table, keys) =>
      ids.write((database) => {
        const staged = database.prepare(`SELECT 1 FROM staging.${table.name} WHERE ${table.key[0]} = ?`);
        return keys.filter((key) => staged.get(key) === undefined);
      }),
    end: () => ids.write((database) => remake(database, '')),
    atLength: (transaction) => withLateCheckpoint(ids, transaction),
    merge: mergeStaged,
  };
}

const indexOf = (table: StagedTable): string => `${table.name}_by_key`;
