import type { WatchedTable } from './database.ts';

/** A watched table as its migration made it: what the triggers are generated from. */
export interface WatchedTableShape {
  readonly name: WatchedTable;
  readonly key: readonly string[];
  readonly columns: readonly string[];
}

/** Joins the columns of a compound key in `change_log.key`. */
export const KEY_SEPARATOR = '\u001f';

/**
 * The three triggers of a table, in SQLite's SQL: a row of `change_log` per real change, in the writer's transaction.
 * An update that changes nothing writes nothing; one that changes the key is a deletion and an insertion.
 */
export function sqliteTriggers(table: WatchedTableShape): string[] {
  const keyOf = (row: 'NEW' | 'OLD'): string => table.key.map((column) => `${row}.${column}`).join(` || char(31) || `);
  const log = (op: 'i' | 'u' | 'd', row: 'NEW' | 'OLD', changed: string): string =>
    `INSERT INTO change_log (tbl, op, key, changed, origin, requestid, at)
     SELECT '${table.name}', '${op}', ${keyOf(row)}, ${changed}, origin, requestid, CAST(unixepoch('subsec') * 1000 AS INTEGER)
     FROM write_context WHERE id = 1;`;
  const others = table.columns.filter((column) => !table.key.includes(column));
  const differs = (columns: readonly string[]): string =>
    columns.map((column) => `OLD.${column} IS NOT NEW.${column}`).join(' OR ');
  const changed = others.map((column) => `iif(OLD.${column} IS NOT NEW.${column}, '${column},', '')`).join(' || ');
  const triggers = [
    `CREATE TRIGGER ${table.name}_logged_insert AFTER INSERT ON ${table.name} BEGIN ${log('i', 'NEW', `''`)} END`,
    `CREATE TRIGGER ${table.name}_logged_delete AFTER DELETE ON ${table.name} BEGIN ${log('d', 'OLD', `''`)} END`,
    `CREATE TRIGGER ${table.name}_logged_rename AFTER UPDATE OF ${table.key.join(', ')} ON ${table.name}
     WHEN ${differs(table.key)} BEGIN ${log('d', 'OLD', `''`)} ${log('i', 'NEW', `''`)} END`,
  ];
  if (others.length > 0) {
    const sameKey = table.key.map((column) => `OLD.${column} IS NEW.${column}`).join(' AND ');
    triggers.push(
      `CREATE TRIGGER ${table.name}_logged_update AFTER UPDATE OF ${others.join(', ')} ON ${table.name}
       WHEN ${sameKey} AND (${differs(others)}) BEGIN ${log('u', 'NEW', changed)} END`,
    );
  }
  return triggers;
}
