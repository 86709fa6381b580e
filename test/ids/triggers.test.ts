import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type Sqlite from 'better-sqlite3';
import { sql } from 'kysely';
import { withRequest } from '../../src/platform/request-context.ts';
import { openTestIds, type TestIds } from '../support/test-ids.ts';

interface Column {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
}

const PRIVATE = new Set([
  'change_log',
  'write_context',
  'feed_consumer',
  'feed_acknowledgement',
  'credentialverifier',
  'epassyncagentcfg',
  'harecord',
  'interclusterpeerstatus',
  'interclusteruser',
  'offlinemessage',
  'privatexml',
  'tcroom',
  'tcroomaffiliation',
  'tcroommessage',
  'vcard',
]);

describe('every watched table', () => {
  let test: TestIds;
  let shapes: { readonly table: string; readonly columns: readonly Column[] }[] = [];
  before(async () => {
    test = await openTestIds();
    const tables = test.ids.prepared<[], { name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'kysely_%'",
    );
    shapes = tables
      .all()
      .filter(({ name }) => !PRIVATE.has(name))
      .map(({ name }) => ({ table: name, columns: test.ids.prepared<[], Column>(`PRAGMA table_info(${name})`).all() }));
  });
  after(() => test[Symbol.asyncDispose]());

  const value = (column: Column, salt: number): string | number =>
    column.type === 'TEXT' ? `${column.name}-${salt}` : salt;

  const logged = async (task: (database: Sqlite.Database) => void) => {
    const from = await test.changeFeed.lastSeq();
    await test.ids.write(task);
    return (await test.changeFeed.trace({ afterSeq: from, limit: 100 })).map(({ table, op, key, changed }) => ({
      table,
      op,
      key,
      changed: [...changed].sort(),
    }));
  };

  it('logs an insertion, each column of an update, a rename and a deletion; a no-op writes nothing', async () => {
    assert.ok(shapes.length > 25);
    for (const { table, columns } of shapes) {
      const keys = columns.filter((column) => column.pk > 0).sort((a, b) => a.pk - b.pk);
      const others = columns.filter((column) => column.pk === 0);
      const key = keys.map((column) => String(value(column, 1))).join('\u001f');
      const where = keys.map((column) => `${column.name} = ?`).join(' AND ');
      const identity = keys.map((column) => value(column, 1));
      const insert = `INSERT INTO ${table} (${columns.map((column) => column.name).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
      assert.deepEqual(await logged((db) => void db.prepare(insert).run(columns.map((column) => value(column, 1)))), [
        { table, op: 'i', key, changed: [] },
      ]);
      for (const column of others) {
        const update = `UPDATE ${table} SET ${column.name} = ? WHERE ${where}`;
        assert.deepEqual(await logged((db) => void db.prepare(update).run(value(column, 2), ...identity)), [
          { table, op: 'u', key, changed: [column.name] },
        ]);
        assert.deepEqual(await logged((db) => void db.prepare(update).run(value(column, 2), ...identity)), []);
      }
      if (others.length > 1) {
        const all = `UPDATE ${table} SET ${others.map((column) => `${column.name} = ?`).join(', ')} WHERE ${where}`;
        assert.deepEqual(
          await logged((db) => void db.prepare(all).run(...others.map((column) => value(column, 3)), ...identity)),
          [{ table, op: 'u', key, changed: others.map((column) => column.name).sort() }],
        );
      }
      const first = keys[0] as Column;
      const renamed = [String(value(first, 9)), ...keys.slice(1).map((column) => String(value(column, 1)))].join(
        '\u001f',
      );
      assert.deepEqual(
        await logged(
          (db) =>
            void db.prepare(`UPDATE ${table} SET ${first.name} = ? WHERE ${where}`).run(value(first, 9), ...identity),
        ),
        [
          { table, op: 'd', key, changed: [] },
          { table, op: 'i', key: renamed, changed: [] },
        ],
      );
      assert.deepEqual(
        await logged((db) => void db.prepare(`DELETE FROM ${table} WHERE ${first.name} = ?`).run(value(first, 9))),
        [{ table, op: 'd', key: renamed, changed: [] }],
      );
    }
  });

  it('logs origin and request of the transaction, and nothing of one that is rolled back', async () => {
    const from = await test.changeFeed.lastSeq();
    await withRequest('request-1', () =>
      test.ids.transaction('client', async (trx) => {
        await trx.insertInto('imdomain').values({ domain: 'a.example', isdefault: 0, isadminmanaged: 1 }).execute();
      }),
    );
    await assert.rejects(
      () =>
        test.ids.transaction('cucm', async (trx) => {
          await trx.insertInto('imdomain').values({ domain: 'b.example', isdefault: 0, isadminmanaged: 1 }).execute();
          throw new Error('changed my mind');
        }),
      /changed my mind/,
    );
    const rows = await test.changeFeed.trace({ afterSeq: from, limit: 10 });
    assert.deepEqual(
      rows.map(({ key, origin, requestId }) => ({ key, origin, requestId })),
      [{ key: 'a.example', origin: 'client', requestId: 'request-1' }],
    );
  });

  it('never lets readers wait for, or see into, a transaction that is under way', async () => {
    await test.ids.transaction('node', async (trx) => {
      await trx.insertInto('imdomain').values({ domain: 'c.example', isdefault: 0, isadminmanaged: 1 }).execute();
      const seen = await test.ids.read.selectFrom('imdomain').where('domain', '=', 'c.example').selectAll().execute();
      assert.deepEqual(seen, []);
    });
    await assert.rejects(() => sql`DELETE FROM imdomain`.execute(test.ids.read), /readonly/);
  });
});
