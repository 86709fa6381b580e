import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Datastore, DatastoreDefinition, DatastoreEngine, DatastoreEvent } from '../../src/datastore/datastore.ts';
import { ImpError } from '../../src/platform/errors.ts';

/** What an engine's test hands in: a fresh engine and the means to move its time. */
export interface EngineUnderTest {
  readonly engine: DatastoreEngine;
  /** Lets `ms` pass for the engine, and waits until it has acted on it. */
  advance(ms: number): Promise<void>;
  /** Waits until watchers have heard of everything that was done. */
  settled(): Promise<void>;
}

interface Session {
  readonly user: string;
  readonly tags: readonly string[];
}

const sessions = (name: string, maxRows?: number): DatastoreDefinition<Session, 'user' | 'tag'> => ({
  name,
  indexes: { user: (value) => [value.user], tag: (value) => value.tags },
  ...(maxRows === undefined ? {} : { maxRows }),
});

const row = (user: string, ...tags: string[]): Session => ({ user, tags });

async function all<Value>(store: Datastore<Value, never>): Promise<Map<string, Value>> {
  const found = new Map<string, Value>();
  for await (const entry of store.entries()) found.set(entry.key, entry.value);
  return found;
}

/** What every engine of the `Datastore` interface must do; each engine's test calls this. */
export function assertDatastoreEngine(name: string, open: () => Promise<EngineUnderTest>): void {
  describe(`${name}: the datastore interface`, () => {
    it('gives back what was put, replaces it, and answers what it deleted once', async () => {
      const { engine } = await open();
      await using _engine = engine;
      const store = engine.open(sessions('login'));
      assert.equal(await store.get('a'), undefined);
      await store.put('a', row('alice'), null);
      await store.put('a', row('alice', 'x'), null);
      assert.deepEqual(await store.get('a'), row('alice', 'x'));
      assert.equal(await store.size(), 1);
      const deleted = await Promise.all([store.delete('a'), store.delete('a')]);
      assert.deepEqual(
        deleted.filter((value) => value !== undefined),
        [row('alice', 'x')],
      );
      assert.equal(await store.get('a'), undefined);
    });

    it('lets only the first of several putIfAbsent win', async () => {
      const { engine } = await open();
      await using _engine = engine;
      const store = engine.open(sessions('login'));
      const answers = await Promise.all(['1', '2', '3'].map((tag) => store.putIfAbsent('slot', row('u', tag), null)));
      assert.deepEqual(new Set(answers.map((value) => value.tags[0])).size, 1);
      assert.deepEqual(await store.get('slot'), answers[0]);
    });

    it('lets rows expire, tells the time that is left, and renews it on touch and put', async () => {
      const { engine, advance } = await open();
      await using _engine = engine;
      const store = engine.open(sessions('login'));
      await store.put('short', row('a'), 1_000);
      await store.put('long', row('a'), 5_000);
      await store.put('ever', row('a'), null);
      await advance(600);
      assert.equal(await store.touch('short', 1_000), true);
      await advance(600);
      assert.deepEqual(await store.get('short'), row('a'));
      const left = (await store.query('user', 'a')).find((entry) => entry.key === 'short')?.expiresInMs ?? 0;
      assert.ok(left > 0 && left <= 400, `${left} ms left`);
      assert.equal((await store.query('user', 'a')).find((entry) => entry.key === 'ever')?.expiresInMs, null);
      await advance(600);
      assert.equal(await store.get('short'), undefined);
      assert.equal(await store.touch('short', 1_000), false);
      await store.put('short', row('b'), 1_000);
      await store.put('short', row('b'), null);
      await advance(10_000);
      assert.deepEqual([...(await all(store)).keys()].sort(), ['ever', 'short']);
      assert.equal(await store.size(), 2);
    });

    it('treats an expired row as absent in putIfAbsent and delete', async () => {
      const { engine, advance } = await open();
      await using _engine = engine;
      const store = engine.open(sessions('login'));
      await store.put('a', row('old'), 100);
      await advance(101);
      assert.equal(await store.delete('a'), undefined);
      await store.put('b', row('old'), 100);
      await advance(101);
      assert.deepEqual(await store.putIfAbsent('b', row('new'), null), row('new'));
    });

    it('finds rows by every value of every index, and forgets them with the row', async () => {
      const { engine } = await open();
      await using _engine = engine;
      const store = engine.open(sessions('login'));
      await store.put('1', row('alice', 'red', 'blue'), null);
      await store.put('2', row('alice', 'blue'), null);
      await store.put('3', row('bob'), null);
      const keys = async (index: 'user' | 'tag', value: string): Promise<string[]> =>
        (await store.query(index, value)).map((entry) => entry.key).sort();
      assert.deepEqual(await keys('user', 'alice'), ['1', '2']);
      assert.deepEqual(await keys('tag', 'blue'), ['1', '2']);
      assert.deepEqual(await keys('tag', 'red'), ['1']);
      await store.put('1', row('bob', 'green'), null);
      assert.deepEqual(await keys('tag', 'red'), []);
      assert.deepEqual(await keys('user', 'bob'), ['1', '3']);
      await store.delete('3');
      assert.deepEqual(await keys('user', 'bob'), ['1']);
    });

    it('tells watchers of puts, deletions and expiries in order, also of those made while it tells', async () => {
      const { engine, advance, settled } = await open();
      await using _engine = engine;
      const store = engine.open(sessions('login'));
      await store.put('before', row('x'), null);
      const heard: string[] = [];
      const note = (event: DatastoreEvent<Session>): void => {
        heard.push(`${event.kind} ${event.key} ${event.kind === 'put' ? event.value.user : event.previous.user}`);
      };
      using _chain = store.watch((event) => {
        if (event.kind === 'put' && event.value.user === 'one') void store.put('a', row('two'), 500);
      });
      const watch = store.watch(note);
      await store.put('a', row('one'), null);
      await settled();
      await settled();
      await advance(501);
      await settled();
      await store.put('b', row('bob'), null);
      await store.delete('b');
      await settled();
      assert.deepEqual(heard, ['put a one', 'put a two', 'expire a two', 'put b bob', 'delete b bob']);
      watch[Symbol.dispose]();
      await store.put('c', row('carol'), null);
      await settled();
      assert.equal(heard.length, 5);
    });

    it('refuses a row too many as unavailable, and takes one again when there is room', async () => {
      const { engine, advance } = await open();
      await using _engine = engine;
      const store = engine.open(sessions('login', 2));
      await store.put('1', row('a'), 100);
      await store.put('2', row('b'), null);
      const isFull = (error: unknown): boolean =>
        error instanceof ImpError && error.kind === 'unavailable' && error.code === 'datastore.full';
      await assert.rejects(store.put('3', row('c'), null), isFull);
      await assert.rejects(store.putIfAbsent('3', row('c'), null), isFull);
      await store.put('2', row('b', 'again'), null);
      await advance(101);
      await store.put('3', row('c'), null);
      assert.equal(await store.size(), 2);
    });

    it('opens the same rows under the same name, and others under another', async () => {
      const { engine } = await open();
      await using _engine = engine;
      await engine.open(sessions('login')).put('a', row('alice'), null);
      assert.deepEqual(await engine.open(sessions('login')).get('a'), row('alice'));
      assert.equal(await engine.open(sessions('presence')).get('a'), undefined);
    });

    it('behaves like a table with times beside it, whatever is done in whatever order', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
          const under = await open();
          await using engine = under.engine;
          await playSteps(engine.open(sessions('model')), under, steps);
        }),
        { numRuns: 60 },
      );
    });
  });
}

type Step =
  | { readonly kind: 'put' | 'putIfAbsent'; readonly key: string; readonly user: string; readonly life: number | null }
  | { readonly kind: 'touch'; readonly key: string; readonly life: number }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'advance'; readonly ms: number };

const key = fc.constantFrom('k1', 'k2', 'k3', 'k4', 'k5', 'k6');
const life = fc.integer({ min: 1, max: 50 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('put' as const, 'putIfAbsent' as const),
    key,
    user: fc.constantFrom('alice', 'bob'),
    life: fc.option(life),
  }),
  fc.record({ kind: fc.constant('touch' as const), key, life }),
  fc.record({ kind: fc.constant('delete' as const), key }),
  fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 30 }) }),
);

interface ModelRow {
  readonly value: Session;
  readonly until: number;
}

async function playSteps(
  store: Datastore<Session, 'user' | 'tag'>,
  { advance, settled }: EngineUnderTest,
  steps: readonly Step[],
): Promise<void> {
  const model = new Map<string, ModelRow>();
  const heard = new Map<string, Session | undefined>();
  using _watch = store.watch((event) => heard.set(event.key, event.kind === 'put' ? event.value : undefined));
  let now = 0;
  const until = (ms: number | null): number => (ms === null ? Number.POSITIVE_INFINITY : now + ms);
  for (const each of steps) {
    if (each.kind === 'advance') {
      now += each.ms;
      await advance(each.ms);
      for (const [known, { until: end }] of model) if (end <= now) model.delete(known);
    } else if (each.kind === 'delete') {
      assert.deepEqual(await store.delete(each.key), model.get(each.key)?.value);
      model.delete(each.key);
    } else if (each.kind === 'touch') {
      const known = model.get(each.key);
      assert.equal(await store.touch(each.key, each.life), known !== undefined);
      if (known) model.set(each.key, { value: known.value, until: until(each.life) });
    } else {
      const value = row(each.user, each.key);
      const known = model.get(each.key);
      if (each.kind === 'put') await store.put(each.key, value, each.life);
      else assert.deepEqual(await store.putIfAbsent(each.key, value, each.life), known?.value ?? value);
      if (each.kind === 'put' || !known) model.set(each.key, { value, until: until(each.life) });
    }
    const expected = new Map([...model].map(([known, { value }]) => [known, value]));
    assert.deepEqual(await all(store), expected);
    assert.equal(await store.size(), expected.size);
    for (const user of ['alice', 'bob']) {
      const found = (await store.query('user', user)).map((entry) => entry.key).sort();
      assert.deepEqual(
        found,
        [...expected]
          .filter(([, value]) => value.user === user)
          .map(([known]) => known)
          .sort(),
      );
    }
    await settled();
    for (const [known, value] of heard) assert.deepEqual(value, expected.get(known));
  }
}
