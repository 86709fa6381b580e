import type Sqlite from 'better-sqlite3';
import type { AxlObject } from '../objects/axl-object.ts';
import type { Field, ScalarField } from '../objects/field.ts';
import { ownObjects } from '../objects/index.ts';
import { quoted } from './access.ts';
import { RELATIONS } from './relations.ts';
import { scalarFields } from './schema.ts';

/** One change of one object, as `listChange` tells it (without its id in the queue). */
export interface ObjectChange {
  readonly type: string;
  readonly pkid: string;
  readonly action: 'a' | 'u' | 'r';
  /** The object must be fetched: it is new, or more changed than is told. */
  readonly doGet: boolean;
  readonly tags: readonly { readonly name: string; readonly value: string }[];
}

/** More changed tags than this are not told one by one. */
const MOST_TAGS = 10;
/** Marks a change in a table of the object's, not in its own row. */
const ELSEWHERE = '*';

interface RawRow {
  readonly type: string;
  readonly op: 'a' | 'u' | 'r';
  readonly id: string;
  readonly columns: string;
}

/**
 * Makes the connection note every change of CUCM's tables, whoever makes it: a verb, or a client's SQL. The notes lie in
 * temporary tables of this connection, so that no client's SQL of another can reach them and a rollback undoes them.
 */
export function watchChanges(db: Sqlite.Database): void {
  db.exec('CREATE TEMP TABLE rawchange (n INTEGER PRIMARY KEY, type TEXT, op TEXT, id TEXT, columns TEXT)');
  const note = (type: string, op: string, id: string, columns: string): string =>
    `INSERT INTO rawchange (type, op, id, columns) VALUES ('${type}', '${op}', ${id}, ${columns});`;
  const trigger = (table: string, event: string, when: string, body: string): void =>
    void db.exec(
      `CREATE TEMP TRIGGER watch_${table}_${event} AFTER ${event} ON main.${table} ${when} BEGIN ${body} END`,
    );
  for (const object of ownObjects) {
    const own = (row: string): string =>
      object.where === undefined ? '' : `WHEN ${object.where.replaceAll('t.', `${row}.`)}`;
    trigger(object.table, 'INSERT', own('new'), note(object.name, 'a', 'new.pkid', "''"));
    trigger(object.table, 'DELETE', own('old'), note(object.name, 'r', 'old.pkid', "''"));
    const columns = (db.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(object.table) as string[]).filter(
      (column) => column !== 'pkid',
    );
    const changed = columns
      .map((name) => `CASE WHEN old.${quoted(name)} IS NOT new.${quoted(name)} THEN '${name} ' ELSE '' END`)
      .join(' || ');
    const differs = columns.map((name) => `old.${quoted(name)} IS NOT new.${quoted(name)}`).join(' OR ');
    const kind = own('new').replace(/^WHEN /, '');
    trigger(
      object.table,
      'UPDATE',
      `WHEN (${differs})${kind === '' ? '' : ` AND ${kind}`}`,
      note(object.name, 'u', 'new.pkid', changed),
    );
  }
  const hidden = RELATIONS.find((relation) => relation.isHidden);
  if (hidden) watchFragments(db, hidden.table);
  for (const { table, owners } of RELATIONS) {
    if (owners === undefined) continue;
    const of = (row: string): string =>
      owners.map(({ type, column, from }) => note(type, 'u', `${row}.${column}`, `'${from ?? ELSEWHERE} '`)).join(' ');
    trigger(table, 'INSERT', '', of('new'));
    trigger(table, 'DELETE', '', of('old'));
    // A row that moves changes both owners.
    trigger(table, 'UPDATE', '', `${of('new')} ${of('old')}`);
  }
}

function watchFragments(db: Sqlite.Database, table: string): void {
  for (const [event, row] of [
    ['INSERT', 'new'],
    ['UPDATE', 'new'],
    ['DELETE', 'old'],
  ] as const) {
    db.exec(
      `CREATE TEMP TRIGGER watch_${table}_${event} AFTER ${event} ON main.${table} BEGIN
         INSERT INTO rawchange (type, op, id, columns) VALUES (${row}.type, 'u', ${row}.fkobject, '${ELSEWHERE} '); END`,
    );
  }
}

interface Coalesced {
  readonly type: string;
  readonly id: string;
  isAdded: boolean;
  isRemoved: boolean;
  readonly columns: Set<string>;
}

/** Takes what the transaction has noted, one change for each object, in the order in which they were first touched. */
export function takeChanges(db: Sqlite.Database): ObjectChange[] {
  const rows = db.prepare('SELECT type, op, id, columns FROM rawchange ORDER BY n').all() as RawRow[];
  if (rows.length === 0) return [];
  db.prepare('DELETE FROM rawchange').run();
  const objects = new Map<string, Coalesced>();
  for (const row of rows) {
    const name = `${row.type} ${row.id}`;
    let found = objects.get(name);
    if (!found) {
      found = { type: row.type, id: row.id, isAdded: false, isRemoved: false, columns: new Set() };
      objects.set(name, found);
    }
    if (row.op === 'a') found.isAdded = true;
    else if (row.op === 'r') found.isRemoved = true;
    else for (const column of row.columns.split(' ')) if (column !== '') found.columns.add(column);
  }
  const tagsOf = new Map<string, TagReader>();
  const changes: ObjectChange[] = [];
  for (const each of objects.values()) {
    if (each.isAdded && each.isRemoved) continue;
    let reader = tagsOf.get(each.type);
    if (!reader) {
      reader = createTagReader(db, each.type);
      tagsOf.set(each.type, reader);
    }
    changes.push(...changeOf(each, reader));
  }
  return changes;
}

function changeOf(each: Coalesced, reader: TagReader): ObjectChange[] {
  const { type, id: pkid } = each;
  if (each.isAdded) return [{ type, pkid, action: 'a', doGet: true, tags: [] }];
  if (each.isRemoved) return [{ type, pkid, action: 'r', doGet: false, tags: [] }];
  if (!reader.exists(pkid)) return [];
  const changes: ObjectChange[] = [];
  // Which node serves a user is an object of its own.
  if (each.columns.delete('primarynodeid')) {
    changes.push({ type: 'AssignedPresenceUsers', pkid, action: 'u', doGet: true, tags: [] });
    if (each.columns.size === 0) return changes;
  }
  const tags = reader.tags(pkid, each.columns);
  const isTold = tags !== undefined && tags.length <= MOST_TAGS;
  return [...changes, { type, pkid, action: 'u', doGet: !isTold, tags: isTold ? tags : [] }];
}

interface TagReader {
  exists(pkid: string): boolean;
  /** Tags and their new values; undefined when not every column is a tag. */
  tags(pkid: string, columns: ReadonlySet<string>): ObjectChange['tags'] | undefined;
}

function createTagReader(db: Sqlite.Database, type: string): TagReader {
  const object = ownObjects.find((each) => each.name === type) as AxlObject;
  const byColumn = new Map(scalarFields(object.fields).map((field) => [field.column, field]));
  const relation = RELATIONS.flatMap((each) =>
    (each.owners ?? []).filter((owner) => owner.type === type && owner.tag !== undefined),
  );
  const computed = new Map<string, Field & { kind: 'computed' }>();
  for (const owner of relation) {
    const field = object.fields.find((each) => each.tag === owner.tag);
    if (field?.kind === 'computed' && owner.from !== undefined) computed.set(owner.from, field);
  }
  const exists = db.prepare(`SELECT 1 FROM ${object.table} WHERE pkid = ?`);
  const value = (sql: string, pkid: string): string =>
    String(db.prepare(`SELECT ${sql} FROM ${object.table} t WHERE t.pkid = ?`).pluck().get(pkid) ?? '');
  return {
    exists: (pkid) => exists.get(pkid) !== undefined,
    tags(pkid, columns) {
      const tags: { name: string; value: string }[] = [];
      for (const column of columns) {
        const field = byColumn.get(column) ?? computed.get(column);
        if (!field) return undefined;
        const found = value(field.kind === 'computed' ? field.sql : shownBy(field), pkid);
        const isFlag = field.kind === 'flag' || (field.kind === 'computed' && field.as === 'flag');
        tags.push({ name: field.tag, value: isFlag ? String(found === 't') : found });
      }
      return tags;
    },
  };
}

/** SQL of what AXL shows for a column: names instead of keys and numbers. */
export function shownBy(field: ScalarField): string {
  const column = `t.${quoted(field.column)}`;
  if (field.target) {
    return `(SELECT k.${field.target.name} FROM ${field.target.table} k WHERE k.pkid = ${column})`;
  }
  if (field.kind === 'choice' && field.types === undefined) {
    return field.initial === null ? column : `coalesce(${column}, '${field.initial}')`;
  }
  return field.types === undefined ? column : `(SELECT y.name FROM ${field.types} y WHERE y.enum = ${column})`;
}
