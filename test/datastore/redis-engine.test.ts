import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import type { DatastoreEvent } from '../../src/datastore/datastore.ts';
import { createRedisEngine, type RedisEngine } from '../../src/datastore/redis-engine.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { FakeClock, turn } from '../support/fake-clock.ts';
import { type RedisServer, redisMissing, startRedis } from '../support/redis-server.ts';
import { assertDatastoreEngine } from './datastore-assertions.ts';

const log = createLog({ level: 'silent' });
let server: RedisServer;

const isReady = async (engine: RedisEngine): Promise<void> => {
  while (!engine.isReady) await turn();
};
const emptied = async (): Promise<void> => {
  const client = new Redis(server.url);
  await client.flushall();
  client.disconnect();
};
const open = (url = server.url): Promise<RedisEngine> =>
  createRedisEngine({
    target: { url, password: undefined, caFile: undefined },
    clock: systemClock,
    log,
    metrics: createMetrics(),
  });

describe('redis engine', { skip: redisMissing }, () => {
  before(async () => {
    server = await startRedis();
  });
  after(() => server[Symbol.asyncDispose]());

  assertDatastoreEngine('redis engine', async () => {
    await emptied();
    const clock = new FakeClock();
    const engine = await createRedisEngine({
      target: { url: server.url, password: undefined, caFile: undefined },
      clock,
      log,
      metrics: createMetrics(),
      now: () => clock.now(),
    });
    await isReady(engine);
    return { engine, advance: (ms) => clock.advance(ms), settled: () => engine.settled() };
  });

  it('is one store to several nodes: rows, order of events, one winner, one expiry', async () => {
    await emptied();
    await using one = await open();
    await using two = await open();
    await Promise.all([isReady(one), isReady(two)]);
    const definition = { name: 'login', indexes: { user: (value: string) => [value] } };
    const [here, there] = [one.open(definition), two.open(definition)];
    const heard: [string, string][][] = [[], []];
    const note =
      (place: number) =>
      (event: DatastoreEvent<string>): void =>
        void heard[place]?.push([event.kind, event.kind === 'put' ? event.value : event.previous]);
    using _here = here.watch(note(0));
    using _there = there.watch(note(1));
    await Promise.all([one.settled(), two.settled()]);
    await here.put('a', 'first', null);
    assert.equal(await there.get('a'), 'first');
    assert.equal(await there.putIfAbsent('a', 'second', null), 'first');
    await there.put('b', 'short', 50);
    const deleted = await Promise.all([here.delete('a'), there.delete('a')]);
    assert.deepEqual(
      deleted.filter((each) => each !== undefined),
      ['first'],
    );
    while (heard.some((each) => each.length < 4)) await turn();
    await Promise.all([one.settled(), two.settled()]);
    for (const each of heard) {
      assert.deepEqual(each, [
        ['put', 'first'],
        ['put', 'short'],
        ['delete', 'first'],
        ['expire', 'short'],
      ]);
    }
  });

  it('refuses everything as unavailable while the server is away, and goes on when it is back', async () => {
    await using own = await startRedis();
    await using engine = await open(own.url);
    await isReady(engine);
    const store = engine.open<string>({ name: 'login', indexes: {} });
    let heard = 0;
    using _watch = store.watch(() => {
      heard += 1;
    });
    await store.put('a', 'x', null);
    await engine.settled();
    await own.stop();
    while (engine.isReady) await turn();
    for (const refused of [store.get('a'), store.put('a', 'y', null), store.size(), store.delete('a')]) {
      await assert.rejects(refused, { code: 'datastore.away', kind: 'unavailable' });
    }
    await own.start();
    await isReady(engine);
    await store.put('a', 'z', 60_000);
    assert.equal(await store.get('a'), 'z');
    await engine.settled();
    assert.ok(heard >= 2, 'watching goes on');
  });

  it('says so when nobody is there at the start, and comes by itself later', async () => {
    await using own = await startRedis();
    await own.stop();
    await using engine = await open(own.url);
    const store = engine.open<string>({ name: 'login', indexes: {} });
    await assert.rejects(store.get('a'), { kind: 'unavailable' });
    await own.start();
    await isReady(engine);
    await store.put('a', 'x', null);
    assert.equal(await store.get('a'), 'x');
  });
});
