import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import type { ChangeFeed, FeedBatch, FollowOptions } from '../../src/ids/change-feed.ts';
import type { SqliteIds } from '../../src/ids/sqlite/sqlite-ids.ts';
import { FakeClock, turn } from '../support/fake-clock.ts';
import { openTestIds } from '../support/test-ids.ts';

const setDomain = (
  ids: SqliteIds,
  domain: string,
  isdefault = 0,
  origin: 'cucm' | 'client' | `peer:${string}` = 'client',
) =>
  ids.transaction(origin, async (trx) => {
    await trx
      .insertInto('imdomain')
      .values({ domain, isdefault, isadminmanaged: 0 })
      .onConflict((conflict) => conflict.column('domain').doUpdateSet({ isdefault }))
      .execute();
  });

/** A consumer that notes what it hears. */
function listen(feed: ChangeFeed, more: Partial<FollowOptions> = {}, handler?: (batch: FeedBatch) => Promise<string>) {
  const heard: string[] = [];
  const stop = new AbortController();
  const done = feed.follow(
    { consumer: 'test', tables: ['imdomain'], start: 'resume', signal: stop.signal, ...more },
    async (batch) => {
      const note = (await handler?.(batch)) ?? '';
      heard.push(
        batch.kind === 'snapshot'
          ? `snapshot ${batch.reason} ${batch.throughSeq}`
          : batch.changes
              .map((change) => `${change.op} ${change.key} ${[...change.changed].join('+')}`.trim())
              .join(', '),
      );
      return note;
    },
  );
  return {
    heard,
    async stop() {
      stop.abort();
      await done;
    },
  };
}

describe('the change feed', () => {
  it('begins with a snapshot, then hands over every later change; after a restart it goes on at its place', async () => {
    const clock = new FakeClock();
    await using test = await openTestIds({ clock });
    await setDomain(test.ids, 'a.example');
    const first = listen(test.changeFeed);
    await clock.advance(0);
    await setDomain(test.ids, 'b.example');
    await clock.advance(0);
    await first.stop();
    assert.deepEqual(first.heard, ['snapshot first 1', 'i b.example']);
    await setDomain(test.ids, 'c.example');
    const second = listen(test.changeFeed);
    await clock.advance(0);
    await second.stop();
    assert.deepEqual(second.heard, ['i c.example']);
  });

  it('lets the first change of a key out at once and the rest of 250 ms as the latest state, without delaying other keys', async () => {
    const clock = new FakeClock();
    await using test = await openTestIds({ clock });
    const consumer = listen(test.changeFeed);
    await clock.advance(0);
    await setDomain(test.ids, 'a.example');
    await clock.advance(0);
    await setDomain(test.ids, 'a.example', 1);
    await setDomain(test.ids, 'a.example', 0);
    await setDomain(test.ids, 'a.example', 1);
    await setDomain(test.ids, 'b.example');
    await clock.advance(249);
    assert.deepEqual(consumer.heard.slice(1), ['i a.example', 'i b.example']);
    await clock.advance(1);
    assert.deepEqual(consumer.heard.slice(3), ['u a.example isdefault']);
    await consumer.stop();
    const [status] = await test.changeFeed.consumers();
    assert.deepEqual([status?.seq, status?.lagRows], [5, 0]);
  });

  it('keeps the place of a consumer that fails, raises an alarm, and tries again after 1, 2, 4 s', async () => {
    const clock = new FakeClock();
    await using test = await openTestIds({ clock });
    let isBroken = false;
    let attempts = 0;
    const consumer = listen(test.changeFeed, {}, async () => {
      attempts += 1;
      if (isBroken) throw new Error('the proxy is away');
      return 'told the proxy';
    });
    const other = listen(test.changeFeed, { consumer: 'other' });
    await clock.advance(0);
    isBroken = true;
    await setDomain(test.ids, 'a.example');
    await clock.advance(0);
    assert.equal(attempts, 2);
    assert.equal(test.alarms.active()[0]?.name, 'ChangeFeedConsumerFailed');
    await clock.advance(999);
    assert.equal(attempts, 2);
    await clock.advance(1);
    assert.equal(attempts, 3);
    await clock.advance(2_000);
    assert.equal(attempts, 4);
    assert.deepEqual(other.heard.slice(1), ['i a.example']);
    const failing = (await test.changeFeed.consumers()).find((each) => each.consumer === 'test');
    assert.equal(failing?.failures, 3);
    assert.equal(failing?.lastError, 'the proxy is away');
    assert.equal(failing?.lagRows, 1);
    isBroken = false;
    await setDomain(test.ids, 'b.example');
    await clock.advance(4_000);
    assert.deepEqual(consumer.heard.slice(1), ['i a.example, i b.example']);
    assert.deepEqual(test.alarms.active(), []);
    await consumer.stop();
    await other.stop();
  });

  it('tells a consumer to read everything anew: requested, backlog, trimmed away, a place in the future', async () => {
    const clock = new FakeClock();
    await using test = await openTestIds({ clock, limits: { backlogRows: 5, historyRows: 3, mostRows: 4 } });
    const first = listen(test.changeFeed);
    await clock.advance(0);
    await first.stop();
    for (let index = 0; index < 4; index += 1) await setDomain(test.ids, `${index}.example`);
    const resumed = listen(test.changeFeed);
    await clock.advance(0);
    await resumed.stop();
    assert.equal(resumed.heard.length, 1);
    const requested = listen(test.changeFeed, { start: 'snapshot' });
    await clock.advance(0);
    await requested.stop();
    assert.deepEqual(requested.heard, ['snapshot requested 4']);
    for (let index = 0; index < 6; index += 1) await setDomain(test.ids, `b${index}.example`);
    const behind = listen(test.changeFeed);
    await clock.advance(0);
    await behind.stop();
    assert.deepEqual(behind.heard, ['snapshot backlog 10']);
    for (let index = 0; index < 6; index += 1) await setDomain(test.ids, `c${index}.example`);
    await clock.advance(60_000);
    assert.equal((await test.changeFeed.trace({ afterSeq: 0, limit: 100 })).length, 4);
    const trimmed = listen(test.changeFeed);
    await clock.advance(0);
    await trimmed.stop();
    assert.deepEqual(trimmed.heard, ['snapshot gap 16']);
    await test.ids.write((db) => void db.prepare("UPDATE feed_consumer SET seq = 99 WHERE consumer = 'test'").run());
    const ahead = listen(test.changeFeed);
    await clock.advance(0);
    await ahead.stop();
    assert.deepEqual(ahead.heard, ['snapshot gap 16']);
  });

  it('ignores origins, families too, and other tables', async () => {
    const clock = new FakeClock();
    await using test = await openTestIds({ clock });
    const consumer = listen(test.changeFeed, { ignoreOrigins: ['cucm', 'peer:*'] });
    await clock.advance(0);
    await setDomain(test.ids, 'a.example', 0, 'cucm');
    await setDomain(test.ids, 'b.example', 0, 'peer:east');
    await setDomain(test.ids, 'c.example', 0, 'client');
    await test.ids.transaction('client', async (trx) => {
      await trx
        .insertInto('federateddomain')
        .values({ domain: 'd.example', policy: 'allow', protocol: 'SIP' })
        .execute();
    });
    await clock.advance(0);
    await test.changeFeed.settled();
    await consumer.stop();
    assert.deepEqual(consumer.heard.slice(1), ['i c.example']);
  });

  it('traces who has handled a change, when, and who has not', async () => {
    const clock = new FakeClock();
    await using test = await openTestIds({ clock });
    const consumer = listen(test.changeFeed, {}, async () => 'wrote version 2');
    const slow = listen(test.changeFeed, { consumer: 'slow' }, (batch) =>
      batch.kind === 'snapshot'
        ? Promise.resolve('')
        : new Promise((resolve) => clock.schedule(5_000, () => resolve('late'))),
    );
    await clock.advance(0);
    await setDomain(test.ids, 'a.example');
    await clock.advance(0);
    const [waiting] = await test.changeFeed.trace({ limit: 1 });
    assert.deepEqual(
      waiting?.handledBy.map((each) => `${each.consumer}: ${each.note}`),
      ['test: wrote version 2'],
    );
    assert.deepEqual(waiting?.waitingFor, ['slow']);
    await clock.advance(5_000);
    const [done] = await test.changeFeed.trace({ limit: 1 });
    assert.deepEqual(
      done?.handledBy.map((each) => `${each.consumer}: ${each.note}`),
      ['slow: late', 'test: wrote version 2'],
    );
    assert.deepEqual(done?.waitingFor, []);
    await consumer.stop();
    await slow.stop();
  });

  it('sees what another process wrote', async () => {
    const clock = new FakeClock();
    await using test = await openTestIds({ clock });
    const consumer = listen(test.changeFeed);
    await clock.advance(1_000);
    const outside = new Sqlite(`${test.folder}/ids.db`);
    outside.exec("INSERT INTO imdomain (domain, isdefault, isadminmanaged) VALUES ('x.example', 0, 1)");
    outside.close();
    await clock.advance(1_000);
    await consumer.stop();
    assert.deepEqual(consumer.heard.slice(1), ['i x.example']);
  });

  it('never loses a change nor ends with another state, whatever is written, fails or restarts (property)', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant('set' as const),
          key: fc.integer({ min: 0, max: 5 }),
          value: fc.integer({ min: 0, max: 3 }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('remove' as const), key: fc.integer({ min: 0, max: 5 }) }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 400 }) }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'fail' as const }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const clock = new FakeClock();
        await using test = await openTestIds({ clock, limits: { backlogRows: 8, historyRows: 4, batchRows: 3 } });
        const view = new Map<string, number>();
        let failNext = false;
        const readRow = (key: string): void => {
          const row = test.ids
            .prepared<[string], { isdefault: number }>('SELECT isdefault FROM imdomain WHERE domain = ?')
            .get(key);
          if (row) view.set(key, row.isdefault);
          else view.delete(key);
        };
        const handler = async (batch: FeedBatch): Promise<string> => {
          if (failNext) {
            failNext = false;
            throw new Error('failed on purpose');
          }
          if (batch.kind === 'snapshot') {
            view.clear();
            for (const row of await test.ids.read.selectFrom('imdomain').selectAll().execute())
              view.set(row.domain, row.isdefault);
          } else {
            const seqs = batch.changes.map((change) => change.seq);
            assert.deepEqual(
              seqs,
              [...seqs].sort((a, b) => a - b),
            );
            for (const change of batch.changes) {
              // A deletion is judged by the log alone, so that a wrong order would be seen.
              if (change.op === 'd') view.delete(change.key);
              else readRow(change.key);
            }
          }
          return '';
        };
        let consumer = listen(test.changeFeed, {}, handler);
        for (const each of steps) {
          if (each.kind === 'set') await setDomain(test.ids, `${each.key}.example`, each.value);
          else if (each.kind === 'remove') {
            await test.ids.transaction('client', async (trx) => {
              await trx.deleteFrom('imdomain').where('domain', '=', `${each.key}.example`).execute();
            });
          } else if (each.kind === 'wait') await clock.advance(each.ms);
          else if (each.kind === 'fail') failNext = true;
          else {
            await consumer.stop();
            consumer = listen(test.changeFeed, {}, handler);
          }
        }
        await clock.advance(10_000);
        await consumer.stop();
        const rows = await test.ids.read.selectFrom('imdomain').selectAll().execute();
        assert.deepEqual([...view].sort(), rows.map((row): [string, number] => [row.domain, row.isdefault]).sort());
      }),
      { numRuns: 60 },
    );
    await turn();
  });
});
