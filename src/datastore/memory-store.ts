import type { Clock } from '../platform/clock.ts';
import { describeError, ImpError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Datastore, DatastoreDefinition, DatastoreEvent, Entry } from './datastore.ts';
import { type Expiring, ExpiryHeap } from './expiry-heap.ts';
import { type StoreCounts, storeCounts } from './store-counts.ts';

interface Row<Value> extends Expiring {
  readonly key: string;
  value: Value;
}

export interface MemoryStoreNeeds {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Rows handed out between two turns of the event loop while all are listed. */
const ENTRIES_PER_TURN = 1_000;

/** One store of the memory engine. A row that has expired is never seen, even before its timer fires. */
export class MemoryStore<Value, Index extends string> implements Datastore<Value, Index> {
  readonly definition: DatastoreDefinition<Value, Index>;
  readonly #needs: MemoryStoreNeeds;
  readonly #rows = new Map<string, Row<Value>>();
  readonly #indexes = new Map<Index, Map<string, Set<Row<Value>>>>();
  readonly #expiry = new ExpiryHeap<Row<Value>>();
  readonly #listeners = new Set<(event: DatastoreEvent<Value>) => void>();
  readonly #events: DatastoreEvent<Value>[] = [];
  readonly #counts: StoreCounts;
  #isTelling = false;
  #isClosed = false;
  #timer: Disposable | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(definition: DatastoreDefinition<Value, Index>, needs: MemoryStoreNeeds) {
    this.definition = definition;
    this.#needs = needs;
    for (const index of Object.keys(definition.indexes) as Index[]) this.#indexes.set(index, new Map());
    this.#counts = storeCounts(needs.metrics, definition.name);
  }

  async get(key: string): Promise<Value | undefined> {
    return this.#find(key)?.value;
  }

  async put(key: string, value: Value, expiresInMs: number | null): Promise<void> {
    const row = this.#find(key);
    if (row) this.#replace(row, value, expiresInMs);
    else this.#insert(key, value, expiresInMs);
  }

  async putIfAbsent(key: string, value: Value, expiresInMs: number | null): Promise<Value> {
    const row = this.#find(key);
    if (row) return row.value;
    this.#insert(key, value, expiresInMs);
    return value;
  }

  async touch(key: string, expiresInMs: number): Promise<boolean> {
    const row = this.#find(key);
    if (!row) return false;
    this.#setExpiry(row, expiresInMs);
    return true;
  }

  async delete(key: string): Promise<Value | undefined> {
    const row = this.#find(key);
    if (!row) return undefined;
    this.#remove(row);
    this.#counts.writes.inc();
    this.#tell({ kind: 'delete', key, previous: row.value });
    return row.value;
  }

  async query(index: Index, value: string): Promise<readonly Entry<Value>[]> {
    const now = this.#sweep();
    const found: Entry<Value>[] = [];
    for (const row of this.#indexOf(index).get(value) ?? []) found.push(entryOf(row, now));
    return found;
  }

  async *entries(): AsyncIterable<Entry<Value>> {
    this.#sweep();
    // A copy of the keys, so that rows may come and go meanwhile; the ones that went are skipped.
    const keys = [...this.#rows.keys()];
    for (const [count, key] of keys.entries()) {
      if (count > 0 && count % ENTRIES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      const row = this.#find(key);
      if (row) yield entryOf(row, this.#needs.clock.monotonic());
    }
  }

  async size(): Promise<number> {
    this.#sweep();
    return this.#rows.size;
  }

  watch(listener: (event: DatastoreEvent<Value>) => void): Disposable {
    this.#requireOpen();
    // A function of its own per watch: the same listener may watch twice.
    const own = (event: DatastoreEvent<Value>): void => listener(event);
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  /** Forgets everything; every later call is refused. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#rows.clear();
    for (const index of this.#indexes.values()) index.clear();
    this.#listeners.clear();
    this.#counts.rows.set(0);
  }

  #requireOpen(): void {
    if (this.#isClosed) {
      throw new ImpError('unavailable', 'datastore.closed', `the ${this.definition.name} datastore is closed`);
    }
  }

  #find(key: string): Row<Value> | undefined {
    this.#requireOpen();
    const row = this.#rows.get(key);
    if (!row || row.expiresAt > this.#needs.clock.monotonic()) return row;
    this.#expire(row);
    return undefined;
  }

  #insert(key: string, value: Value, expiresInMs: number | null): void {
    const { maxRows } = this.definition;
    if (maxRows !== undefined && this.#rows.size >= maxRows) {
      this.#sweep();
      if (this.#rows.size >= maxRows) {
        this.#counts.refused.inc();
        throw new ImpError('unavailable', 'datastore.full', `the ${this.definition.name} datastore is full`);
      }
    }
    const row: Row<Value> = { key, value, expiresAt: Number.POSITIVE_INFINITY, heapAt: 0, heapIndex: -1 };
    this.#rows.set(key, row);
    this.#addToIndexes(row);
    this.#setExpiry(row, expiresInMs);
    this.#counts.rows.set(this.#rows.size);
    this.#counts.writes.inc();
    this.#tell({ kind: 'put', key, value, previous: undefined });
  }

  #replace(row: Row<Value>, value: Value, expiresInMs: number | null): void {
    const previous = row.value;
    this.#removeFromIndexes(row);
    row.value = value;
    this.#addToIndexes(row);
    this.#setExpiry(row, expiresInMs);
    this.#counts.writes.inc();
    this.#tell({ kind: 'put', key: row.key, value, previous });
  }

  #remove(row: Row<Value>): void {
    this.#rows.delete(row.key);
    this.#expiry.remove(row);
    this.#removeFromIndexes(row);
    this.#counts.rows.set(this.#rows.size);
  }

  #expire(row: Row<Value>): void {
    this.#remove(row);
    this.#counts.expired.inc();
    this.#tell({ kind: 'expire', key: row.key, previous: row.value });
  }

  #setExpiry(row: Row<Value>, expiresInMs: number | null): void {
    if (expiresInMs === null) {
      row.expiresAt = Number.POSITIVE_INFINITY;
      this.#expiry.remove(row);
      return;
    }
    row.expiresAt = this.#needs.clock.monotonic() + expiresInMs;
    this.#expiry.update(row);
    this.#arm();
  }

  /** Keeps the one timer of the store at the soonest expiry. */
  #arm(): void {
    const nextAt = this.#expiry.nextAt ?? Number.POSITIVE_INFINITY;
    if (this.#timer && this.#timerAt <= nextAt) return;
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (nextAt === Number.POSITIVE_INFINITY) return;
    this.#timerAt = nextAt;
    // A timer may fire a fraction early; the floor of 1 ms keeps it from spinning then. Node's longest is 2^31-1 ms.
    const delay = Math.min(2_147_483_647, Math.max(1, nextAt - this.#needs.clock.monotonic()));
    this.#timer = this.#needs.clock.schedule(delay, () => {
      this.#timer = undefined;
      this.#sweep();
      this.#arm();
    });
  }

  /** @returns what the clock said. */
  #sweep(): number {
    this.#requireOpen();
    const now = this.#needs.clock.monotonic();
    for (let row = this.#expiry.takeExpired(now); row; row = this.#expiry.takeExpired(now)) this.#expire(row);
    return now;
  }

  #indexOf(index: Index): Map<string, Set<Row<Value>>> {
    const found = this.#indexes.get(index);
    if (!found) throw new Error(`the ${this.definition.name} datastore has no index ${index}`);
    return found;
  }

  #addToIndexes(row: Row<Value>): void {
    for (const [index, rows] of this.#indexes) {
      for (const value of this.definition.indexes[index](row.value)) {
        const found = rows.get(value);
        if (found) found.add(row);
        else rows.set(value, new Set([row]));
      }
    }
  }

  #removeFromIndexes(row: Row<Value>): void {
    for (const [index, rows] of this.#indexes) {
      for (const value of this.definition.indexes[index](row.value)) {
        const found = rows.get(value);
        found?.delete(row);
        if (found?.size === 0) rows.delete(value);
      }
    }
  }

  /** Events that a listener causes wait until the present one has reached everybody: that keeps them in order. */
  #tell(event: DatastoreEvent<Value>): void {
    if (this.#listeners.size === 0) return;
    this.#events.push(event);
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) {
        for (const listener of this.#listeners) {
          try {
            listener(next);
          } catch (error) {
            // A watcher's fault must not become the writer's.
            this.#needs.log.error(
              { store: this.definition.name, err: describeError(error) },
              'a watcher of a datastore failed',
            );
          }
        }
      }
    } finally {
      this.#isTelling = false;
    }
  }
}

function entryOf<Value>(row: Row<Value>, now: number): Entry<Value> {
  return {
    key: row.key,
    value: row.value,
    expiresInMs: row.expiresAt === Number.POSITIVE_INFINITY ? null : row.expiresAt - now,
  };
}
