import type Sqlite from 'better-sqlite3';
import type { AxlObject } from '../objects/axl-object.ts';
import type { Field, ScalarField } from '../objects/field.ts';
import { ownObjects } from '../objects/index.ts';
import { quoted } from './access.ts';
import { RELATIONS } from './relations.ts';
import { TYPE_TABLES } from './types.ts';

/** A key for rows that SQL inserts without naming one, in the spelling of CUCM's. */
const NEW_KEY = `(lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' ||
  substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))))`;

/** Scalar fields, those inside groups too. */
export function scalarFields(fields: readonly Field[]): ScalarField[] {
  return fields.flatMap((field) => {
    if (field.kind === 'group') return scalarFields(field.fields);
    return 'column' in field ? [field] : [];
  });
}

function columnOf(field: ScalarField): string {
  const name = quoted(field.column);
  switch (field.kind) {
    case 'number':
      return `${name} INTEGER`;
    case 'flag':
      return `${name} TEXT NOT NULL DEFAULT '${field.initial === 'true' ? 't' : 'f'}'`;
    case 'key':
      return `${name} TEXT REFERENCES ${field.target?.table}(pkid) ON DELETE SET NULL ON UPDATE CASCADE`;
    case 'choice':
      // Unset means the default: a phone has dozens of them, and most phones only that.
      return field.types === undefined ? `${name} TEXT` : `${name} INTEGER`;
    default:
      return `${name} TEXT NOT NULL DEFAULT ''`;
  }
}

function tableOf(object: AxlObject): { readonly table: string; readonly columns: readonly string[] } {
  const seen = new Set<string>();
  const columns = scalarFields(object.fields).filter((field) => !seen.has(field.column) && seen.add(field.column));
  return { table: object.table, columns: [...columns.map(columnOf), ...(object.columns ?? [])] };
}

/** Indexes of foreign keys by which the verbs and deletions look rows up. */
const INDEXES: readonly (readonly [table: string, column: string])[] = [
  ['device', 'fkenduser'],
  ['device', 'fkenduser_mobility'],
  ['device', 'fkdevice_primaryphone'],
  ['enduser', 'primarynodeid'],
  ['enduser', 'lastname COLLATE NOCASE'],
  ['numplan', 'dnorpattern'],
  // Pages of phones: without the class in it, every row before the page is looked at.
  ['device', 'tkclass, name COLLATE NOCASE'],
];

/**
 * Makes the tables, or adds the columns that a data folder of an earlier release lacks. All of it is derived from the
 * objects, so that a tag added there has its column here.
 */
export function createSchema(db: Sqlite.Database): void {
  for (const [table, rows] of Object.entries(TYPE_TABLES)) {
    const extra = Object.keys(rows[0] ?? {}).filter((column) => column !== 'enum' && column !== 'name');
    makeTable(db, table, 'enum INTEGER PRIMARY KEY', [
      'name TEXT NOT NULL UNIQUE COLLATE NOCASE',
      ...extra.map((column) => `${column} INTEGER`),
    ]);
    const columns = ['enum', 'name', ...extra];
    const insert = db.prepare(
      `INSERT OR IGNORE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
    );
    for (const row of rows) insert.run(...columns.map((column) => row[column] ?? null));
  }
  const key = `pkid TEXT NOT NULL PRIMARY KEY DEFAULT ${NEW_KEY}`;
  for (const object of ownObjects) {
    const { table, columns } = tableOf(object);
    makeTable(db, table, key, columns);
    makeUnique(db, table, object.unique ?? []);
  }
  for (const relation of RELATIONS) {
    makeTable(db, relation.table, key, relation.columns);
    makeUnique(db, relation.table, relation.unique ?? []);
    for (const column of relation.indexes ?? []) makeIndex(db, relation.table, column);
  }
  for (const [table, column] of INDEXES) makeIndex(db, table, column);
}

function makeTable(db: Sqlite.Database, table: string, key: string, columns: readonly string[]): void {
  const existing = db.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[];
  if (existing.length === 0) {
    db.exec(`CREATE TABLE ${table} (${[key, ...columns].join(', ')}) STRICT`);
    return;
  }
  const known = new Set(existing);
  for (const column of columns) {
    const name = /^"?(\w+)/.exec(column)?.[1] ?? '';
    if (!known.has(name)) db.exec(`ALTER TABLE ${table} ADD COLUMN ${column}`);
  }
}

function makeUnique(db: Sqlite.Database, table: string, lists: readonly (readonly string[])[]): void {
  lists.forEach((columns, index) => {
    db.exec(`CREATE UNIQUE INDEX IF NOT EXISTS u_${table}_${index} ON ${table} (${columns.join(', ')})`);
  });
}

function makeIndex(db: Sqlite.Database, table: string, column: string): void {
  db.exec(`CREATE INDEX IF NOT EXISTS i_${table}_${column.replace(/\W.*/, '')} ON ${table} (${column})`);
}

/** Tables that clients' SQL may name, in lower case. */
export function sqlTables(): ReadonlySet<string> {
  return new Set([
    ...Object.keys(TYPE_TABLES),
    ...ownObjects.map((object) => object.table),
    ...RELATIONS.filter((relation) => !relation.isHidden).map((relation) => relation.table),
  ]);
}
