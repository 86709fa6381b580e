import type { Alarms } from '../../platform/alarms.ts';
import { type Clock, sleep } from '../../platform/clock.ts';
import { describeError, ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { ChangeFeed, ConsumerStatus, TracedChange } from '../change-feed.ts';
import type { WatchedTable } from '../database.ts';
import type { FeedStore, LoggedChange, StoredAcknowledgement, StoredConsumer } from './feed-store.ts';
import { createFollower, type Follower, type FollowerLimits } from './follower.ts';

export interface ChangeFeedLimits extends FollowerLimits {
  /** Rows kept behind the slowest consumer, for the trace. */
  readonly historyRows: number;
  /** Most rows kept whatever the consumers do; one left behind is told to read everything anew. */
  readonly mostRows: number;
  /** A consumer that has waited for longer raises `ChangeFeedLag`. */
  readonly lagAlarmMs: number;
}

export const DEFAULT_FEED_LIMITS: ChangeFeedLimits = {
  batchRows: 1_000,
  coalesceMs: 250,
  backlogRows: 5_000,
  idleMoveRows: 1_000,
  historyRows: 10_000,
  mostRows: 1_000_000,
  lagAlarmMs: 60_000,
};

export interface ChangeFeedNeeds {
  readonly store: FeedStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  readonly limits?: Partial<ChangeFeedLimits>;
}

/** How often to look for what other processes wrote. Our own commits wake the feed at once. */
const LOOK_EVERY_MS = 1_000;
const MEASURE_EVERY_MS = 5_000;
const TRIM_EVERY_MS = 60_000;
const TRIM_ROWS = 5_000;

export function createChangeFeed(needs: ChangeFeedNeeds): ChangeFeed & AsyncDisposable {
  const { store, clock } = needs;
  const log = needs.log.child({ subsystem: 'change-feed' });
  const limits: ChangeFeedLimits = { ...DEFAULT_FEED_LIMITS, ...needs.limits };
  const followers = new Map<string, Follower>();
  const movers = new Set<() => void>();
  const closing = new AbortController();
  const lagRows = needs.metrics.gauge('imp_feed_lag_rows', 'Changes a consumer has not handled', ['consumer']);
  const lagSeconds = needs.metrics.gauge('imp_feed_lag_seconds', 'Age of the oldest of them', ['consumer']);

  const wake = (): void => {
    for (const follower of followers.values()) follower.wake();
  };
  const commits = store.onCommit(wake);

  const statusOf = async (stored: StoredConsumer): Promise<ConsumerStatus> => {
    const tables = stored.tables.split(',');
    const follower = followers.get(stored.consumer);
    const place = Math.max(stored.seq, follower?.position ?? -1);
    const { rows, oldestAt } = await store.lag(tables, place);
    return {
      consumer: stored.consumer,
      tables,
      seq: Math.max(0, stored.seq),
      lagRows: rows,
      lagSeconds: oldestAt === null ? 0 : Math.max(0, clock.now() - oldestAt) / 1000,
      failures: stored.failures,
      lastError: stored.lasterror,
      isFollowing: follower !== undefined,
    };
  };

  const measure = async (): Promise<void> => {
    for (const stored of await store.consumers()) {
      const status = await statusOf(stored);
      lagRows.set({ consumer: status.consumer }, status.lagRows);
      lagSeconds.set({ consumer: status.consumer }, status.lagSeconds);
      if (status.isFollowing && status.lagSeconds * 1000 > limits.lagAlarmMs) {
        const waited = Math.round(status.lagSeconds);
        needs.alarms.raise(
          status.consumer,
          'ChangeFeedLag',
          4,
          `${status.consumer} is ${status.lagRows} changes and ${waited} s behind`,
        );
      } else needs.alarms.clear(status.consumer, 'ChangeFeedLag');
    }
  };

  const trim = async (): Promise<void> => {
    const last = await store.lastSeq();
    const places = (await store.consumers()).map((stored) => Math.max(stored.seq, 0));
    const slowest = Math.min(last, ...places);
    const through = Math.max(Math.min(slowest, last - limits.historyRows), last - limits.mostRows);
    if (through <= 0) return;
    while (!closing.signal.aborted && (await store.trim(through, TRIM_ROWS)) === TRIM_ROWS) {
      await sleep(clock, 0, closing.signal).catch(() => undefined);
    }
  };

  const repeat = async (ms: number, task: () => Promise<void> | void): Promise<void> => {
    while (!closing.signal.aborted) {
      await sleep(clock, ms, closing.signal).catch(() => undefined);
      if (closing.signal.aborted) return;
      try {
        await task();
      } catch (error) {
        log.error({ err: describeError(error) }, 'change feed upkeep failed');
      }
    }
  };
  let seen = -1;
  const look = async (): Promise<void> => {
    const last = await store.lastSeq();
    if (last !== seen) wake();
    seen = last;
  };
  const upkeep = [repeat(LOOK_EVERY_MS, look), repeat(MEASURE_EVERY_MS, measure), repeat(TRIM_EVERY_MS, trim)];

  return {
    async follow(options, handler) {
      if (followers.has(options.consumer)) {
        throw new ImpError('internal', 'feed.consumer-running', `${options.consumer} follows the change feed already`);
      }
      const follower = createFollower(options, handler, {
        store,
        clock,
        log,
        alarms: needs.alarms,
        limits,
        onMove: () => {
          for (const mover of movers) mover();
        },
      });
      followers.set(options.consumer, follower);
      try {
        await follower.run();
      } finally {
        followers.delete(options.consumer);
      }
    },
    wake,
    lastSeq: () => store.lastSeq(),
    async consumers() {
      return await Promise.all((await store.consumers()).map(statusOf));
    },
    async trace({ afterSeq, limit }) {
      const rows = afterSeq === undefined ? await store.newest(limit) : await store.readAll(afterSeq, limit);
      const first = rows[0];
      const last = rows.at(-1);
      if (!first || !last) return [];
      const [consumers, acknowledgements] = await Promise.all([
        store.consumers(),
        store.acknowledgements(first.seq - 1, last.seq),
      ]);
      return rows.map((row) => traced(row, consumers, acknowledgements));
    },
    async settled(signal) {
      const target = await store.lastSeq();
      const isSettled = (): boolean => [...followers.values()].every((follower) => follower.position >= target);
      wake();
      await new Promise<void>((resolve, reject) => {
        const check = (): void => {
          if (!isSettled()) return;
          movers.delete(check);
          resolve();
        };
        movers.add(check);
        signal?.addEventListener('abort', () => {
          movers.delete(check);
          reject(signal.reason);
        });
        check();
      });
    },
    remove: (consumer) => store.remove(consumer),
    async [Symbol.asyncDispose]() {
      commits[Symbol.dispose]();
      closing.abort();
      await Promise.all(upkeep);
    },
  };
}

function traced(
  row: LoggedChange,
  consumers: readonly StoredConsumer[],
  acknowledgements: readonly StoredAcknowledgement[],
): TracedChange {
  const readers = consumers.filter((consumer) => consumer.tables.split(',').includes(row.tbl));
  return {
    seq: row.seq,
    table: row.tbl as WatchedTable,
    op: row.op,
    key: row.key,
    changed: new Set(row.changed === '' ? [] : row.changed.slice(0, -1).split(',')),
    origin: row.origin,
    requestId: row.requestid,
    at: row.at,
    handledBy: readers.flatMap(({ consumer }) => {
      // The first who covered it: a repetition after a crash covers it again.
      const found = acknowledgements.find(
        (each) => each.consumer === consumer && each.afterseq < row.seq && each.throughseq >= row.seq,
      );
      return found ? [{ consumer, at: found.at, note: found.note }] : [];
    }),
    waitingFor: readers.filter((consumer) => consumer.seq < row.seq).map((consumer) => consumer.consumer),
  };
}
