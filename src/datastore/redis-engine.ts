import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Datastore, DatastoreDefinition, DatastoreEngine } from './datastore.ts';
import { connectRedis, type RedisTarget } from './redis/connection.ts';
import { createEventReader } from './redis/event-reader.ts';
import { RedisStore } from './redis/redis-store.ts';
import { storeCounts } from './store-counts.ts';

export type { RedisTarget } from './redis/connection.ts';

export interface RedisEngineNeeds {
  readonly target: RedisTarget;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Milliseconds, in place of the clock of Redis; for tests. */
  readonly now?: () => number;
}

export interface RedisEngine extends DatastoreEngine {
  /** The server answers. */
  readonly isReady: boolean;
  onChange(listener: (isReady: boolean) => void): void;
  /** Removes what has expired, and resolves when watchers have heard of everything. */
  settled(): Promise<void>;
}

/**
 * Stores that several nodes share, in a Redis or Valkey server (docs/services/datastore.md). While it is away every call
 * is refused at once as `datastore.away`, kind `unavailable`; it is connected to again by itself.
 */
export async function createRedisEngine(needs: RedisEngineNeeds): Promise<RedisEngine> {
  const log = needs.log.child({ subsystem: 'datastore' });
  const connection = await connectRedis(needs.target, log);
  const events = createEventReader({ connection, clock: needs.clock, log });
  const stores = new Map<
    string,
    { readonly store: unknown; readonly shape: string; sweep(): Promise<void>; close(): Promise<void> }
  >();
  let isDisposed = false;
  return {
    get isReady() {
      return connection.isReady;
    },
    onChange: (listener) => connection.onChange(listener),
    open<Value, Index extends string = never>(definition: DatastoreDefinition<Value, Index>): Datastore<Value, Index> {
      if (isDisposed) throw new Error('the datastore engine is disposed');
      const shape = Object.keys(definition.indexes).sort().join(' ');
      const known = stores.get(definition.name);
      if (known) {
        // Two meanings of one name would be a mistake in the composition, not something to go on from.
        if (known.shape !== shape) throw new Error(`the datastore ${definition.name} is open with other indexes`);
        return known.store as Datastore<Value, Index>;
      }
      const store = new RedisStore(definition, {
        connection,
        events,
        clock: needs.clock,
        log,
        counts: storeCounts(needs.metrics, definition.name),
        now: needs.now,
      });
      stores.set(definition.name, { store, shape, sweep: () => store.sweep(), close: () => store.close() });
      return store;
    },
    async settled() {
      for (const { sweep } of stores.values()) await sweep();
      await events.caughtUp();
    },
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await Promise.all([...stores.values()].map(({ close }) => close()));
      await connection[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
    },
  };
}
