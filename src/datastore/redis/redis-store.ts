import type { Clock } from '../../platform/clock.ts';
import { describeError, ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Datastore, DatastoreDefinition, DatastoreEvent, Entry } from '../datastore.ts';
import type { StoreCounts } from '../store-counts.ts';
import type { RedisConnection, ScriptArgument } from './connection.ts';
import { type EventReader, isBefore, type StreamEvent } from './event-reader.ts';
import { prefixOf, type ScriptName } from './scripts.ts';

export interface RedisStoreNeeds {
  readonly connection: RedisConnection;
  readonly events: EventReader;
  readonly clock: Clock;
  readonly log: Log;
  readonly counts: StoreCounts;
  /** Milliseconds, where it is not Redis that tells the time: in tests. */
  readonly now: (() => number) | undefined;
}

interface Watcher<Value> {
  readonly listener: (event: DatastoreEvent<Value>) => void;
  /** The stream's end when it began to watch; undefined while that is being asked. */
  from: string | undefined;
  readonly early: { readonly id: string; readonly event: DatastoreEvent<Value> }[];
}

const ROWS_AT_ONCE = 500;
const EXPIRED_AT_ONCE = 200;
/** Rows of a node that has died expire in the store all the same: every node looks. */
const LOOK_MS = 1_000;
const SEPARATOR = '\u001f';

/** One store in Redis: rows as JSON, found by key or index entry, gone at their expiry by the clock of Redis. */
export class RedisStore<Value, Index extends string> implements Datastore<Value, Index> {
  readonly definition: DatastoreDefinition<Value, Index>;
  readonly #needs: RedisStoreNeeds;
  readonly #prefix: string;
  readonly #watchers = new Set<Watcher<Value>>();
  #timer: Disposable | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #sweeping: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(definition: DatastoreDefinition<Value, Index>, needs: RedisStoreNeeds) {
    this.definition = definition;
    this.#needs = needs;
    this.#prefix = prefixOf(definition.name);
    needs.events.follow(`${this.#prefix}e`, (event) => this.#take(event));
    this.#arm(LOOK_MS);
  }

  async get(key: string): Promise<Value | undefined> {
    return parsed(await this.#run('impGet', [key]));
  }

  async put(key: string, value: Value, expiresInMs: number | null): Promise<void> {
    await this.#put(key, value, expiresInMs, 'put');
  }

  async putIfAbsent(key: string, value: Value, expiresInMs: number | null): Promise<Value> {
    const stood = await this.#put(key, value, expiresInMs, 'absent');
    return stood === undefined ? value : (JSON.parse(stood) as Value);
  }

  async touch(key: string, expiresInMs: number): Promise<boolean> {
    const isThere = (await this.#run('impTouch', [key, lifeOf(expiresInMs)])) === 1;
    if (isThere) this.#arm(expiresInMs);
    return isThere;
  }

  async delete(key: string): Promise<Value | undefined> {
    const deleted = parsed<Value>(await this.#run('impDelete', [key]));
    if (deleted !== undefined) this.#needs.counts.writes.inc();
    return deleted;
  }

  async query(index: Index, value: string): Promise<readonly Entry<Value>[]> {
    if (!(index in this.definition.indexes)) {
      throw new Error(`the ${this.definition.name} datastore has no index ${index}`);
    }
    return entriesOf(await this.#run('impQuery', [`${index}${SEPARATOR}${value}`]));
  }

  async *entries(): AsyncIterable<Entry<Value>> {
    // A scan may name a key twice.
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const answer = await this.#needs.connection.call('HSCAN', [`${this.#prefix}i`, cursor, 'COUNT', ROWS_AT_ONCE]);
      const [next, flat] = answer as readonly [string, readonly string[]];
      cursor = next;
      const keys = flat.filter((key, place) => place % 2 === 0 && !seen.has(key));
      for (const key of keys) seen.add(key);
      if (keys.length > 0) yield* entriesOf<Value>(await this.#run('impRows', keys));
    } while (cursor !== '0');
  }

  async size(): Promise<number> {
    return Number(await this.#run('impSize', []));
  }

  watch(listener: (event: DatastoreEvent<Value>) => void): Disposable {
    const watcher: Watcher<Value> = { listener, from: undefined, early: [] };
    this.#watchers.add(watcher);
    const begin = (from: string): void => {
      watcher.from = from;
      for (const { id, event } of watcher.early.splice(0)) if (isBefore(from, id)) this.#tell(watcher, event);
    };
    this.#needs.events.endOf(`${this.#prefix}e`).then(begin, () => begin('0-0'));
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
  }

  /** Removes what has expired now. */
  sweep(): Promise<void> {
    this.#sweeping = this.#sweeping.then(() => this.#sweepOnce());
    return this.#sweeping;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.[Symbol.dispose]();
    this.#watchers.clear();
    await this.#sweeping;
  }

  async #run(script: ScriptName, args: readonly ScriptArgument[]): Promise<unknown> {
    return await this.#needs.connection.run(script, this.#prefix, [this.#needs.now?.() ?? '', ...args]);
  }

  /** @returns the row that stood there, in mode `absent`. */
  async #put(
    key: string,
    value: Value,
    expiresInMs: number | null,
    mode: 'put' | 'absent',
  ): Promise<string | undefined> {
    const { indexes, maxRows } = this.definition;
    const entries: string[] = [];
    for (const index of Object.keys(indexes) as Index[]) {
      for (const each of indexes[index](value)) entries.push(`${index}${SEPARATOR}${each}`);
    }
    const answer = (await this.#run('impPut', [
      key,
      JSON.stringify(value),
      expiresInMs === null ? '' : lifeOf(expiresInMs),
      JSON.stringify([...new Set(entries)]),
      maxRows ?? '',
      mode,
    ])) as readonly string[];
    if (answer[0] === 'full') {
      this.#needs.counts.refused.inc();
      throw new ImpError('unavailable', 'datastore.full', `the ${this.definition.name} datastore is full`);
    }
    if (answer[0] === 'stood') return answer[1];
    this.#needs.counts.writes.inc();
    if (expiresInMs !== null) this.#arm(expiresInMs);
    return undefined;
  }

  async #sweepOnce(): Promise<void> {
    let next = LOOK_MS;
    try {
      for (;;) {
        const answer = (await this.#run('impSweep', [EXPIRED_AT_ONCE])) as readonly [number, number, string];
        this.#needs.counts.expired.inc(answer[0]);
        this.#needs.counts.rows.set(answer[1]);
        if (answer[0] < EXPIRED_AT_ONCE) {
          if (answer[2] !== '') next = Math.min(LOOK_MS, Number(answer[2]));
          break;
        }
      }
    } catch (error) {
      // Away: nothing is seen after its expiry anyway, and the next look comes.
      this.#needs.log.debug(
        { store: this.definition.name, err: describeError(error) },
        'expiry could not be looked at',
      );
    }
    this.#arm(next);
  }

  /** Keeps one timer, at the soonest expiry known here, and never later than the next look. */
  #arm(inMs: number): void {
    if (this.#isClosed) return;
    const { clock } = this.#needs;
    const at = clock.monotonic() + Math.max(1, Math.min(LOOK_MS, inMs));
    if (this.#timer && this.#timerAt <= at) return;
    this.#timer?.[Symbol.dispose]();
    this.#timerAt = at;
    this.#timer = clock.schedule(at - clock.monotonic(), () => {
      this.#timer = undefined;
      void this.sweep();
    });
  }

  #take({ id, fields }: StreamEvent): void {
    const named = new Map<string, string>();
    for (let place = 0; place + 1 < fields.length; place += 2) named.set(fields[place] ?? '', fields[place + 1] ?? '');
    const kind = named.get('k');
    const key = named.get('r') ?? '';
    const value = parsed<Value>(named.get('v'));
    const previous = parsed<Value>(named.get('p'));
    const event: DatastoreEvent<Value> | undefined =
      kind === 'put' && value !== undefined
        ? { kind, key, value, previous }
        : (kind === 'delete' || kind === 'expire') && previous !== undefined
          ? { kind, key, previous }
          : undefined;
    if (!event) return;
    for (const watcher of this.#watchers) {
      if (watcher.from === undefined) watcher.early.push({ id, event });
      else if (isBefore(watcher.from, id)) this.#tell(watcher, event);
    }
  }

  #tell({ listener }: Watcher<Value>, event: DatastoreEvent<Value>): void {
    try {
      listener(event);
    } catch (error) {
      // A watcher's fault must not become the writer's.
      this.#needs.log.error(
        { store: this.definition.name, err: describeError(error) },
        'a watcher of a datastore failed',
      );
    }
  }
}

/** Whole milliseconds, one at least: what Redis counts in. */
function lifeOf(expiresInMs: number): number {
  return Math.max(1, Math.ceil(expiresInMs));
}

function parsed<Value>(json: unknown): Value | undefined {
  return typeof json === 'string' && json !== '' ? (JSON.parse(json) as Value) : undefined;
}

function entriesOf<Value>(answer: unknown): Entry<Value>[] {
  const flat = answer as readonly string[];
  const entries: Entry<Value>[] = [];
  for (let place = 0; place + 2 < flat.length; place += 3) {
    const left = flat[place + 2] ?? '';
    entries.push({
      key: flat[place] ?? '',
      value: JSON.parse(flat[place + 1] ?? 'null') as Value,
      expiresInMs: left === '' ? null : Number(left),
    });
  }
  return entries;
}
