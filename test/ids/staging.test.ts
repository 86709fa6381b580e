import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { createChangeFeed } from '../../src/ids/change-feed/create-change-feed.ts';
import type { ChangeFeed } from '../../src/ids/change-feed.ts';
import type { Ids } from '../../src/ids/ids.ts';
import { createPostgresFeedStore } from '../../src/ids/postgres/postgres-feed-store.ts';
import { openPostgresIds } from '../../src/ids/postgres/postgres-ids.ts';
import { createPostgresStaging } from '../../src/ids/postgres/postgres-staging.ts';
import { createSqliteStaging } from '../../src/ids/sqlite/sqlite-staging.ts';
import { purgeStaged } from '../../src/ids/staging/merge.ts';
import type { MergeScope, StagedRow, StagedTable, Staging } from '../../src/ids/staging.ts';
import { createAlarms } from '../../src/platform/alarms.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { type PostgresServer, postgresMissing, startPostgres } from '../support/postgres-server.ts';
import { openTestIds } from '../support/test-ids.ts';

/** An engine's database with its feed and scratch area. */
interface StagingWorld extends AsyncDisposable {
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  staging(tables: readonly StagedTable[]): Staging;
}

const DEVICES: StagedTable = {
  name: 'device',
  key: ['pkid'],
  columns: ['pkid', 'name', 'description'],
  removal: { kind: 'soft' },
};
const MAPS: StagedTable = {
  name: 'enduserdirgroupmap',
  key: ['fkenduser', 'fkdirgroup'],
  columns: ['fkenduser', 'fkdirgroup'],
  removal: { kind: 'hard' },
};
const PARAMETERS: StagedTable = {
  name: 'serviceparameter',
  key: ['node', 'service', 'name'],
  columns: ['node', 'service', 'name', 'value'],
  removal: { kind: 'hard' },
  ownedWhere: "service = 'Enterprise Wide'",
};

const pause = async (): Promise<void> => undefined;

async function mergeAll(
  test: StagingWorld,
  table: StagedTable,
  rows: readonly StagedRow[],
  options: { scope?: MergeScope; now?: number; keepsMissing?: boolean } = {},
): Promise<number> {
  const staging = test.staging([DEVICES, MAPS, PARAMETERS]);
  await staging.begin('a run');
  await staging.clear(table);
  await staging.put(table, rows);
  return await test.ids.transaction('cucm', (trx) =>
    staging.merge(trx, {
      table,
      scope: options.scope ?? { kind: 'all' },
      keepsMissing: options.keepsMissing ?? false,
      now: options.now ?? 1000,
      pause,
    }),
  );
}

const device = (pkid: string, name: string, description = ''): StagedRow => ({ pkid, name, description });

async function changes(test: StagingWorld, after = 0): Promise<string[]> {
  const rows = await test.ids.read
    .selectFrom('change_log')
    .where('seq', '>', after)
    .selectAll()
    .orderBy('seq')
    .execute();
  return rows.map((row) => `${row.op} ${row.tbl} ${row.key.replaceAll('\u001f', '/')} ${row.changed}`.trim());
}

function assertStaging(open: () => Promise<StagingWorld>): void {
  it('writes only real differences', async () => {
    await using test = await open();
    await mergeAll(test, DEVICES, [device('1', 'SEP1'), device('2', 'SEP2')]);
    assert.deepEqual(await changes(test), ['i device 1', 'i device 2']);
    const seq = await test.changeFeed.lastSeq();
    await mergeAll(test, DEVICES, [device('1', 'SEP1'), device('2', 'SEP2')]);
    assert.deepEqual(await changes(test, seq), []);
    await mergeAll(test, DEVICES, [device('1', 'SEP1', 'desk'), device('2', 'SEP2')]);
    assert.deepEqual(await changes(test, seq), ['u device 1 description,']);
  });

  it('removes softly what the source has lost, and takes it back when it returns', async () => {
    await using test = await open();
    await mergeAll(test, DEVICES, [device('1', 'SEP1'), device('2', 'SEP2')]);
    assert.equal(await mergeAll(test, DEVICES, [device('1', 'SEP1')], { now: 5 }), 1);
    assert.equal(await mergeAll(test, DEVICES, [device('1', 'SEP1')], { now: 6 }), 0, 'once');
    const gone = await test.ids.read
      .selectFrom('device')
      .where('pkid', '=', '2')
      .select('deletedat')
      .executeTakeFirst();
    assert.equal(gone?.deletedat, 5);
    await mergeAll(test, DEVICES, [device('1', 'SEP1'), device('2', 'SEP2')]);
    const back = await test.ids.read.selectFrom('device').where('deletedat', 'is', null).select('pkid').execute();
    assert.equal(back.length, 2);
  });

  it('deletes for good what was removed before a time', async () => {
    await using test = await open();
    await mergeAll(test, DEVICES, [device('1', 'SEP1'), device('2', 'SEP2')]);
    await mergeAll(test, DEVICES, [], { now: 100 });
    assert.equal(await test.ids.transaction('cucm', (trx) => purgeStaged(trx, [DEVICES, MAPS], 100)), 0);
    assert.equal(await test.ids.transaction('cucm', (trx) => purgeStaged(trx, [DEVICES, MAPS], 101)), 2);
  });

  it('touches only what is in scope', async () => {
    await using test = await open();
    const map = (fkenduser: string, fkdirgroup: string): StagedRow => ({ fkenduser, fkdirgroup });
    await mergeAll(test, MAPS, [map('ann', 'x'), map('ann', 'y'), map('ben', 'x')]);
    await mergeAll(test, MAPS, [map('ann', 'z')], { scope: { kind: 'keys', column: 'fkenduser', keys: ['ann'] } });
    const rows = await test.ids.read.selectFrom('enduserdirgroupmap').selectAll().orderBy('fkenduser').execute();
    assert.deepEqual(
      rows.map((row) => `${row.fkenduser}/${row.fkdirgroup}`),
      ['ann/z', 'ben/x'],
    );
  });

  it('leaves rows alone that are not the source’s', async () => {
    await using test = await open();
    await test.ids.transaction('administrator', async (trx) => {
      await trx
        .insertInto('serviceparameter')
        .values({ node: '', service: 'Cisco SIP Proxy', name: 'n', value: 'v' })
        .execute();
    });
    await mergeAll(test, PARAMETERS, [{ node: '', service: 'Enterprise Wide', name: 'a', value: '1' }]);
    await mergeAll(test, PARAMETERS, []);
    const rows = await test.ids.read.selectFrom('serviceparameter').select('service').execute();
    assert.deepEqual(
      rows.map((row) => row.service),
      ['Cisco SIP Proxy'],
    );
  });

  it('can keep what is missing', async () => {
    await using test = await open();
    await mergeAll(test, DEVICES, [device('1', 'SEP1')]);
    assert.equal(await mergeAll(test, DEVICES, [], { keepsMissing: true }), 0);
    assert.equal((await test.ids.read.selectFrom('device').selectAll().execute())[0]?.deletedat, null);
  });

  it('knows a run again after it was cut off, and forgets it when another begins', async () => {
    await using test = await open();
    const first = test.staging([DEVICES]);
    assert.equal((await first.begin('run 1')).size, 0);
    await first.put(DEVICES, [device('1', 'SEP1')]);
    await first.completeStage('devices', 1, []);
    const second = test.staging([DEVICES]);
    assert.deepEqual([...(await second.begin('run 1'))], [['devices', 1]]);
    assert.equal(await second.count(DEVICES), 1);
    assert.equal((await second.begin('run 2')).size, 0);
    assert.equal(await second.count(DEVICES), 0);
  });

  it('keeps the last of rows with one key that were loaded, and replaces later ones', async () => {
    await using test = await open();
    const staging = test.staging([DEVICES, MAPS]);
    await staging.begin('a run');
    for (const table of [DEVICES, MAPS]) await staging.load(table);
    await staging.put(DEVICES, [device('2', 'SEP2'), device('1', 'SEP1')]);
    // A page that was cut off comes again.
    await staging.put(DEVICES, [device('2', 'SEP2', 'newer'), device('3', 'SEP3')]);
    const map = { fkenduser: 'u', fkdirgroup: 'g' };
    await staging.put(MAPS, [map, map]);
    await staging.completeStage('devices', 3, [DEVICES, MAPS]);
    assert.equal(await staging.count(DEVICES), 3);
    assert.equal(await staging.count(MAPS), 1);
    await staging.put(DEVICES, [device('1', 'SEP1', 'newest')]);
    assert.equal(await staging.count(DEVICES), 3);
    await test.ids.transaction('cucm', (trx) =>
      staging.merge(trx, { table: DEVICES, scope: { kind: 'all' }, keepsMissing: false, now: 1, pause }),
    );
    const rows = await test.ids.read.selectFrom('device').select(['pkid', 'description']).orderBy('pkid').execute();
    assert.deepEqual(
      rows.map((row) => `${row.pkid} ${row.description}`.trim()),
      ['1 newest', '2 newer', '3'],
    );
  });

  it('loads a table anew that was cut off, sorted or not', async () => {
    await using test = await open();
    const staging = test.staging([DEVICES]);
    await staging.begin('a run');
    for (const name of ['first', 'second']) {
      await staging.load(DEVICES);
      await staging.put(DEVICES, [device('1', name)]);
    }
    await staging.completeStage('devices', 1, [DEVICES]);
    await staging.load(DEVICES);
    assert.equal(await staging.count(DEVICES), 0);
    await staging.completeStage('devices', 0, [DEVICES]);
    assert.equal(await staging.count(DEVICES), 0);
  });

  it('makes the table equal to the source, whatever both held', async () => {
    await using test = await open();
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const rows = fc.uniqueArray(fc.record({ pkid: key, name: key, description: key }), {
      selector: (row) => row.pkid,
    });
    await fc.assert(
      fc.asyncProperty(rows, async (source) => {
        await mergeAll(test, DEVICES, source);
        const kept = await test.ids.read
          .selectFrom('device')
          .where('deletedat', 'is', null)
          .select(['pkid', 'name', 'description'])
          .orderBy('pkid')
          .execute();
        const wanted = [...source].sort((a, b) => (a.pkid < b.pkid ? -1 : 1));
        assert.deepEqual(
          kept.map((row) => ({ ...row })),
          wanted.map((row) => ({ pkid: row.pkid, name: row.name, description: row.description })),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('merges more rows than one statement holds', async () => {
    await using test = await open();
    const many = Array.from({ length: 2_500 }, (_, n) => device(String(n).padStart(5, '0'), `SEP${n}`));
    await mergeAll(test, DEVICES, many);
    const seq = await test.changeFeed.lastSeq();
    assert.equal(seq, 2_500);
    assert.equal(await mergeAll(test, DEVICES, many.slice(0, 1_200)), 1_300);
  });
}

describe('staging and merge on SQLite', () => {
  assertStaging(async () => {
    const test = await openTestIds();
    return { ...test, staging: (tables) => createSqliteStaging(test.ids, tables) };
  });
});

describe('staging and merge on PostgreSQL', { skip: postgresMissing }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server[Symbol.asyncDispose]());

  assertStaging(async () => {
    const [clock, log, metrics] = [systemClock, createLog({ level: 'silent' }), createMetrics()];
    const ids = await openPostgresIds({ url: await server.createDatabase(), clock, log, metrics });
    const store = createPostgresFeedStore(ids);
    const changeFeed = createChangeFeed({ store, clock, log, metrics, alarms: createAlarms(clock, log) });
    return {
      ids,
      changeFeed,
      staging: (tables) => createPostgresStaging(ids, tables),
      async [Symbol.asyncDispose]() {
        await changeFeed[Symbol.asyncDispose]();
        await ids[Symbol.asyncDispose]();
      },
    };
  });
});
