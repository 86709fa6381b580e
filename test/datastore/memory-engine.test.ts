import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pino } from 'pino';
import { ExpiryHeap } from '../../src/datastore/expiry-heap.ts';
import { createMemoryEngine } from '../../src/datastore/memory-engine.ts';
import { ImpError } from '../../src/platform/errors.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { assertDatastoreEngine } from './datastore-assertions.ts';

const log = pino({ level: 'silent' });

assertDatastoreEngine('memory engine', async () => {
  const clock = new FakeClock();
  return {
    engine: createMemoryEngine({ clock, metrics: createMetrics(), log }),
    advance: (ms) => clock.advance(ms),
    // It tells at once.
    settled: async () => undefined,
  };
});

describe('memory engine', () => {
  it('needs one timer for any number of rows, and none when nothing expires', async () => {
    const clock = new FakeClock();
    await using engine = createMemoryEngine({ clock, metrics: createMetrics(), log });
    const store = engine.open<number>({ name: 'login', indexes: {} });
    await store.put('ever', 0, null);
    assert.equal(clock.pending, 0);
    for (let each = 0; each < 500; each += 1) await store.put(`k${each}`, each, 10_000 - each);
    assert.equal(clock.pending, 1);
    for (let each = 0; each < 500; each += 1) await store.touch(`k${each}`, 20_000 + each);
    await clock.advance(20_250);
    assert.equal(await store.size(), 250);
    await clock.advance(1_000);
    assert.equal(await store.size(), 1);
    assert.equal(clock.pending, 0);
  });

  it('counts rows, writes and expiries', async () => {
    const clock = new FakeClock();
    const metrics = createMetrics();
    await using engine = createMemoryEngine({ clock, metrics, log });
    const store = engine.open<number>({ name: 'login', indexes: {}, maxRows: 2 });
    await store.put('a', 1, 100);
    await store.put('b', 1, null);
    await assert.rejects(store.put('c', 1, null));
    await clock.advance(100);
    const text = await metrics.render();
    assert.match(text, /^datastore_rows\{store="login"\} 1$/m);
    assert.match(text, /^datastore_writes_total\{store="login"\} 2$/m);
    assert.match(text, /^datastore_expired_total\{store="login"\} 1$/m);
    assert.match(text, /^datastore_refused_total\{store="login"\} 1$/m);
  });

  it("keeps a watcher's failure away from the writer and from other watchers", async () => {
    await using engine = createMemoryEngine({ clock: new FakeClock(), metrics: createMetrics(), log });
    const store = engine.open<number>({ name: 'login', indexes: {} });
    let heard = 0;
    using _bad = store.watch(() => {
      throw new Error('watcher');
    });
    using _good = store.watch(() => {
      heard += 1;
    });
    await store.put('a', 1, null);
    assert.equal(heard, 1);
  });

  it('refuses everything as unavailable once it is disposed', async () => {
    const engine = createMemoryEngine({ clock: new FakeClock(), metrics: createMetrics(), log });
    const store = engine.open<number>({ name: 'login', indexes: {} });
    await engine[Symbol.asyncDispose]();
    await assert.rejects(store.get('a'), (error) => error instanceof ImpError && error.kind === 'unavailable');
    assert.throws(() => engine.open({ name: 'login', indexes: {} }));
  });
});

describe('expiry heap', () => {
  it('gives out rows in the order of their expiry, also after removals and moves', () => {
    const heap = new ExpiryHeap<{ expiresAt: number; heapAt: number; heapIndex: number }>();
    let seed = 7;
    const random = (): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % 1_000;
    };
    const rows = Array.from({ length: 400 }, () => ({ expiresAt: random(), heapAt: 0, heapIndex: -1 }));
    for (const each of rows) heap.update(each);
    for (const [index, each] of rows.entries()) {
      if (index % 3 === 0) heap.remove(each);
      else {
        each.expiresAt = random();
        heap.update(each);
      }
    }
    const taken: number[] = [];
    for (let now = 0; now <= 1_000; now += 10) {
      for (let each = heap.takeExpired(now); each; each = heap.takeExpired(now)) {
        assert.ok(each.expiresAt <= now && each.expiresAt > now - 10 - 0.5);
        taken.push(each.expiresAt);
      }
    }
    assert.equal(taken.length, rows.length - Math.ceil(rows.length / 3));
    assert.equal(heap.size, 0);
  });
});
