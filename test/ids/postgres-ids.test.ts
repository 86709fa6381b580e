import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import pg from 'pg';
import { createChangeFeed } from '../../src/ids/change-feed/create-change-feed.ts';
import type { ChangeFeed } from '../../src/ids/change-feed.ts';
import { createPostgresFeedStore } from '../../src/ids/postgres/postgres-feed-store.ts';
import { openPostgresIds, type PostgresIds } from '../../src/ids/postgres/postgres-ids.ts';
import { createAlarms } from '../../src/platform/alarms.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { withRequest } from '../../src/platform/request-context.ts';
import { turn } from '../support/fake-clock.ts';
import { type PostgresServer, postgresMissing, startPostgres } from '../support/postgres-server.ts';

const log = createLog({ level: 'silent' });
let server: PostgresServer;

interface World extends AsyncDisposable {
  readonly url: string;
  readonly ids: PostgresIds;
  readonly feed: ChangeFeed;
  /** Another program's connection. */
  readonly other: pg.Client;
}

async function openWorld(url?: string): Promise<World> {
  const at = url ?? (await server.createDatabase());
  const metrics = createMetrics();
  const clock = systemClock;
  const ids = await openPostgresIds({ url: at, clock, log, metrics });
  const feed = createChangeFeed({
    store: createPostgresFeedStore(ids),
    clock,
    log,
    metrics,
    alarms: createAlarms(clock, log),
  });
  const other = new pg.Client({ connectionString: at });
  other.on('error', () => undefined);
  await other.connect();
  return {
    url: at,
    ids,
    feed,
    other,
    async [Symbol.asyncDispose]() {
      await other.end();
      await feed[Symbol.asyncDispose]();
      await ids[Symbol.asyncDispose]();
    },
  };
}

const addDomain = (ids: PostgresIds, domain: string): Promise<unknown> =>
  ids.transaction('client', (trx) =>
    trx.insertInto('imdomain').values({ domain, isdefault: 0, isadminmanaged: 0 }).execute(),
  );

function listen(feed: ChangeFeed) {
  const heard: string[] = [];
  const stop = new AbortController();
  const done = feed.follow(
    { consumer: 'test', tables: ['imdomain'], start: 'resume', signal: stop.signal },
    async (batch) => {
      heard.push(
        ...(batch.kind === 'snapshot'
          ? [`snapshot ${batch.reason}`]
          : batch.changes.map(({ op, key, origin }) => `${op} ${key} ${origin}`)),
      );
      return '';
    },
  );
  const until = async (count: number): Promise<void> => {
    while (heard.length < count) await turn();
  };
  return {
    heard,
    until,
    async stop() {
      stop.abort();
      await done;
    },
  };
}

describe('the IDS on PostgreSQL', { skip: postgresMissing }, () => {
  before(async () => {
    server = await startPostgres();
  });
  after(() => server[Symbol.asyncDispose]());

  it('logs an insertion, each column of an update, a rename and a deletion of every watched table; a no-op writes nothing', async () => {
    await using world = await openWorld();
    const { rows: columns } = await world.other.query<{
      table: string;
      name: string;
      type: string;
      place: number | null;
    }>(
      `SELECT c.table_name AS "table", c.column_name AS name, c.data_type AS type, k.ordinal_position AS place
       FROM information_schema.columns c
       JOIN information_schema.triggers t ON t.event_object_table = c.table_name AND t.event_manipulation = 'INSERT'
       LEFT JOIN information_schema.key_column_usage k ON k.table_name = c.table_name AND k.column_name = c.column_name
       WHERE c.table_schema = 'public' ORDER BY c.table_name, c.ordinal_position`,
    );
    const tables = Map.groupBy(columns, ({ table }) => table);
    assert.ok(tables.size > 25, `${tables.size} tables`);
    const sample = (column: { name: string; type: string }, salt: number): string | number =>
      column.type === 'text' ? `${column.name}-${salt}` : salt;
    const logged = async (text: string, values: readonly (string | number)[]): Promise<string[]> => {
      const from = await world.feed.lastSeq();
      await world.other.query(text, [...values]);
      const rows = await world.feed.trace({ afterSeq: from, limit: 100 });
      return rows.map(({ table, op, key, changed }) =>
        [table, op, key, [...changed].sort().join('+')].join(' ').trim(),
      );
    };
    for (const [table, all] of tables) {
      const keys = all.filter(({ place }) => place !== null).sort((a, b) => Number(a.place) - Number(b.place));
      const others = all.filter(({ place }) => place === null);
      const key = keys.map((column) => String(sample(column, 1))).join('\u001f');
      const names = all.map(({ name }) => `"${name}"`).join(', ');
      const marks = all.map((_column, place) => `$${place + 1}`).join(', ');
      const insert = `INSERT INTO ${table} (${names}) VALUES (${marks})`;
      assert.deepEqual(
        await logged(
          insert,
          all.map((column) => sample(column, 1)),
        ),
        [`${table} i ${key}`],
      );
      const where = keys.map(({ name }, place) => `"${name}" = $${place + 2}`).join(' AND ');
      const identity = keys.map((column) => sample(column, 1));
      for (const column of others) {
        const update = `UPDATE ${table} SET "${column.name}" = $1 WHERE ${where}`;
        const values = [sample(column, 2), ...identity];
        assert.deepEqual(await logged(update, values), [`${table} u ${key} ${column.name}`]);
        assert.deepEqual(await logged(update, values), []);
      }
      const first = keys[0];
      assert.ok(first);
      const renamed = [sample(first, 9), ...identity.slice(1)].join('\u001f');
      assert.deepEqual(
        await logged(`UPDATE ${table} SET "${first.name}" = $1 WHERE ${where}`, [sample(first, 9), ...identity]),
        [`${table} d ${key}`, `${table} i ${renamed}`],
      );
      assert.deepEqual(await logged(`DELETE FROM ${table} WHERE "${first.name}" = $1`, [sample(first, 9)]), [
        `${table} d ${renamed}`,
      ]);
    }
  });

  it('logs origin and request, and nothing of a transaction that is rolled back; readers cannot write', async () => {
    await using world = await openWorld();
    await withRequest('request-1', () => addDomain(world.ids, 'a.example'));
    await assert.rejects(
      world.ids.transaction('cucm', async (trx) => {
        await trx.insertInto('imdomain').values({ domain: 'b.example', isdefault: 0, isadminmanaged: 0 }).execute();
        assert.deepEqual(await world.ids.read.selectFrom('imdomain').select('domain').execute(), [
          { domain: 'a.example' },
        ]);
        throw new Error('changed my mind');
      }),
      /changed my mind/,
    );
    await world.other.query("INSERT INTO imdomain (domain) VALUES ('c.example')");
    const rows = await world.feed.trace({ limit: 10 });
    assert.deepEqual(
      rows.map(({ key, origin, requestId }) => `${key} ${origin} ${requestId}`.trim()),
      ['a.example client request-1', 'c.example administrator'],
    );
    await assert.rejects(sql`DELETE FROM imdomain`.execute(world.ids.read), /read-only/);
    assert.equal(typeof rows[0]?.at, 'number');
  });

  it('feeds what others write as soon as it is committed, in the order of the commits', async () => {
    await using world = await openWorld();
    const consumer = listen(world.feed);
    await consumer.until(1);
    const clients = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const client = new pg.Client({ connectionString: world.url });
        await client.connect();
        return client;
      }),
    );
    await Promise.all(
      clients.map(async (client, place) => {
        for (let each = 0; each < 20; each += 1) {
          await client.query('BEGIN');
          await client.query('INSERT INTO imdomain (domain) VALUES ($1)', [`d${place}-${each}.example`]);
          await client.query(each % 5 === 4 ? 'ROLLBACK' : 'COMMIT');
        }
        await client.end();
      }),
    );
    await consumer.until(1 + 6 * 16);
    await consumer.stop();
    assert.equal(new Set(consumer.heard).size, 1 + 6 * 16, 'each once');
    assert.equal(consumer.heard[0], 'snapshot first');
  });

  it('goes on by itself after the server was away, and says so meanwhile', async () => {
    const own = await startPostgres();
    await using stack = new AsyncDisposableStack();
    stack.use(own);
    const world = stack.use(await openWorld(await own.createDatabase()));
    const consumer = listen(world.feed);
    stack.defer(() => consumer.stop());
    await consumer.until(1);
    // Its place is noted, so that the snapshot is not given again.
    while ((await world.feed.consumers())[0]?.seq !== 0) await turn();
    await own.stop();
    await assert.rejects(addDomain(world.ids, 'a.example'), { kind: 'unavailable', code: 'ids.away' });
    await own.start();
    await addDomain(world.ids, 'b.example');
    // At least once: a place that could not be noted is gone through again.
    while (!consumer.heard.includes('i b.example client')) await turn();
  });

  it('logs and feeds what native replication brings, at once', async () => {
    await using publisher = await openWorld();
    await using subscriber = await openWorld();
    await publisher.other.query('CREATE PUBLICATION imp FOR TABLE imdomain');
    const slot = `imp_${Date.now()}`;
    await publisher.other.query('SELECT pg_create_logical_replication_slot($1, $2)', [slot, 'pgoutput']);
    await subscriber.other.query(
      `CREATE SUBSCRIPTION imp CONNECTION '${publisher.url}' PUBLICATION imp WITH (create_slot = false, slot_name = '${slot}')`,
    );
    const consumer = listen(subscriber.feed);
    await consumer.until(1);
    await addDomain(publisher.ids, 'a.example');
    await consumer.until(2);
    await publisher.ids.transaction('client', (trx) => trx.deleteFrom('imdomain').execute());
    await consumer.until(3);
    await consumer.stop();
    assert.deepEqual(consumer.heard, ['snapshot first', 'i a.example node', 'd a.example node']);
    await subscriber.other.query('ALTER SUBSCRIPTION imp DISABLE');
    await subscriber.other.query('ALTER SUBSCRIPTION imp SET (slot_name = NONE)');
    await subscriber.other.query('DROP SUBSCRIPTION imp');
    await publisher.other.query('SELECT pg_drop_replication_slot($1)', [slot]);
  });
});
