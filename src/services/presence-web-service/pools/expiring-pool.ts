import { type Expiring, ExpiryHeap } from '../../../datastore/expiry-heap.ts';
import type { Clock } from '../../../platform/clock.ts';
import { SmallIds } from './small-ids.ts';

interface Entry<Value> extends Expiring {
  readonly id: number;
  readonly value: Value;
}

export type RemovalCause = 'removed' | 'expired';

/** Node's longest timer. */
const MAX_DELAY_MS = 2_147_483_647;

/** Things with small ids and an absolute expiry. One timer for all; what has expired is never seen. */
export class ExpiringPool<Value> {
  readonly #clock: Clock;
  readonly #onRemoved: (value: Value, cause: RemovalCause) => void;
  readonly #ids: SmallIds;
  readonly #entries = new Map<number, Entry<Value>>();
  readonly #expiry = new ExpiryHeap<Entry<Value>>();
  #timer: Disposable | undefined;

  /** @param onRemoved called for each value that leaves, after it has left. */
  constructor(clock: Clock, size: number, onRemoved: (value: Value, cause: RemovalCause) => void) {
    this.#clock = clock;
    this.#onRemoved = onRemoved;
    this.#ids = new SmallIds(size);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Makes a value with the lowest free id; undefined when the pool is full. */
  add(make: (id: number) => Value, expiresInMs: number): Value | undefined {
    this.#sweep();
    const id = this.#ids.take();
    if (id === undefined) return undefined;
    const value = make(id);
    const expiresAt = this.#clock.monotonic() + expiresInMs;
    const entry = { id, value, expiresAt, heapAt: 0, heapIndex: -1 };
    this.#entries.set(id, entry);
    this.#expiry.update(entry);
    this.#arm();
    return value;
  }

  get(id: number): Value | undefined {
    this.#sweep();
    return this.#entries.get(id)?.value;
  }

  /** Milliseconds that it has left; 0 when it is gone. */
  remainingMs(id: number): number {
    const entry = this.#entries.get(id);
    return entry ? Math.max(0, entry.expiresAt - this.#clock.monotonic()) : 0;
  }

  renew(id: number, expiresInMs: number): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.expiresAt = this.#clock.monotonic() + expiresInMs;
    this.#expiry.update(entry);
    this.#arm();
  }

  remove(id: number): void {
    const entry = this.#entries.get(id);
    if (entry) this.#drop(entry, 'removed');
  }

  /** A copy: values may leave while it is read. */
  values(): readonly Value[] {
    this.#sweep();
    return [...this.#entries.values()].map(({ value }) => value);
  }

  #drop(entry: Entry<Value>, cause: RemovalCause): void {
    this.#entries.delete(entry.id);
    this.#expiry.remove(entry);
    this.#ids.release(entry.id);
    this.#onRemoved(entry.value, cause);
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (let entry = this.#expiry.takeExpired(now); entry; entry = this.#expiry.takeExpired(now)) {
      this.#drop(entry, 'expired');
    }
  }

  #arm(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const nextAt = this.#expiry.nextAt;
    if (nextAt === undefined) return;
    const delay = Math.min(MAX_DELAY_MS, Math.max(1, nextAt - this.#clock.monotonic()));
    this.#timer = this.#clock.schedule(delay, () => {
      this.#sweep();
      this.#arm();
    });
  }
}
