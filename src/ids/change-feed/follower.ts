import type { Alarms } from '../../platform/alarms.ts';
import { type Clock, sleep } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { FeedBatch, FeedHandler, FollowOptions } from '../change-feed.ts';
import { createCoalescer } from './coalescer.ts';
import type { FeedStore } from './feed-store.ts';

export interface FollowerLimits {
  /** Rows read at once, and so the most changes in a batch. */
  readonly batchRows: number;
  readonly coalesceMs: number;
  /** A backlog above this is replaced by reading everything anew. */
  readonly backlogRows: number;
  /** A place that changes of other tables have left this far behind is moved without a line in the trace. */
  readonly idleMoveRows: number;
}

export interface FollowerNeeds {
  readonly store: FeedStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly alarms: Alarms;
  readonly limits: FollowerLimits;
  /** Called when the position moved. */
  readonly onMove: () => void;
}

export interface Follower {
  /** Everything up to here is handled, whether or not it was written down already. */
  readonly position: number;
  wake(): void;
  /** Runs until the signal is aborted. */
  run(): Promise<void>;
}

const RETRY_FIRST_MS = 1_000;
const RETRY_MOST_MS = 60_000;

/**
 * One consumer's loop: (re)start at the durable place, read, coalesce, hand over, acknowledge. A failure goes back to
 * the durable place after a pause, so that nothing is skipped.
 */
export function createFollower(options: FollowOptions, handler: FeedHandler, needs: FollowerNeeds): Follower {
  const { store, clock, limits } = needs;
  const { consumer, tables, signal } = options;
  const coalescer = createCoalescer(limits.coalesceMs);
  const isIgnored = ignoring(options.ignoreOrigins ?? []);
  /** Durable place; -1 before the first snapshot. */
  let acknowledged = -1;
  /** Rows up to here are read, and delivered, held or ignored. */
  let readThrough = -1;
  let snapshotReason: Extract<FeedBatch, { kind: 'snapshot' }>['reason'] | undefined;
  let failures = 0;
  /** What was read last is with the handler, or was and failed: only the durable place counts. */
  let isUnproven = true;
  let hasWork = true;
  let wake: () => void = () => undefined;

  const handled = (): number => (coalescer.firstHeldSeq === undefined ? readThrough : coalescer.firstHeldSeq - 1);

  const settleIn = async (): Promise<void> => {
    const stored = await store.consumer(consumer);
    acknowledged = stored?.seq ?? -1;
    readThrough = acknowledged;
    coalescer.clear();
    const last = await store.lastSeq();
    const oldest = await store.oldestSeq();
    const isGap = acknowledged > last || (oldest === null ? acknowledged < last : acknowledged < oldest - 1);
    if (acknowledged < 0) snapshotReason = 'first';
    else if (isGap) snapshotReason = 'gap';
    else if ((await store.lag(tables, acknowledged)).rows > limits.backlogRows) snapshotReason = 'backlog';
  };

  const acknowledge = async (throughSeq: number, note: string | null): Promise<void> => {
    await store.acknowledge(consumer, acknowledged, throughSeq, clock.now(), note);
    acknowledged = throughSeq;
  };

  const deliverSnapshot = async (reason: NonNullable<typeof snapshotReason>): Promise<void> => {
    const throughSeq = await store.lastSeq();
    const note = await handler({ kind: 'snapshot', reason, throughSeq });
    await acknowledge(throughSeq, note === '' ? 'read everything' : note);
    recovered();
    snapshotReason = undefined;
    readThrough = throughSeq;
    coalescer.clear();
    isUnproven = false;
  };

  /** Answers whether there is more to read than there was room for. */
  const readMore = async (): Promise<boolean> => {
    const last = await store.lastSeq();
    if (last === readThrough) return false;
    const oldest = await store.oldestSeq();
    // Trimmed under our feet: the hard limit of the log was passed while we were slow.
    if (oldest !== null && readThrough < oldest - 1) {
      snapshotReason = 'gap';
      return false;
    }
    const room = limits.batchRows - coalescer.size;
    if (room <= 0) return false;
    const rows = await store.read(tables, readThrough, last, room);
    for (const row of rows) if (!isIgnored(row.origin)) coalescer.add(row);
    readThrough = rows.length < room ? last : (rows.at(-1)?.seq ?? last);
    return rows.length === room;
  };

  const recovered = (): void => {
    if (failures === 0) return;
    failures = 0;
    needs.alarms.clear(consumer, 'ChangeFeedConsumerFailed');
  };

  const idle = async (): Promise<void> => {
    const due = coalescer.nextDue;
    const waited = new AbortController();
    const onAbort = (): void => wake();
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    signal.addEventListener('abort', onAbort, { once: true });
    if (!hasWork && !signal.aborted) {
      await (due === undefined
        ? woken
        : Promise.race([
            woken,
            sleep(clock, Math.max(0, due - clock.monotonic()), waited.signal).catch(() => undefined),
          ]));
    }
    waited.abort();
    signal.removeEventListener('abort', onAbort);
    hasWork = false;
  };

  const step = async (): Promise<void> => {
    if (snapshotReason !== undefined) {
      await deliverSnapshot(snapshotReason);
      needs.onMove();
      return;
    }
    const hasMore = await readMore();
    if (snapshotReason !== undefined) return;
    const changes = coalescer.take(clock.monotonic());
    if (changes.length > 0) {
      const throughSeq = Math.max(acknowledged, handled());
      isUnproven = true;
      await acknowledge(throughSeq, await handler({ kind: 'changes', changes, throughSeq }));
      recovered();
    } else if (handled() - acknowledged > limits.idleMoveRows) {
      await acknowledge(handled(), null);
    }
    isUnproven = false;
    needs.onMove();
    if (hasMore) hasWork = true;
    await idle();
  };

  const fail = async (error: unknown): Promise<void> => {
    failures += 1;
    const sentence = describeError(error);
    const pause = Math.min(RETRY_FIRST_MS * 2 ** (failures - 1), RETRY_MOST_MS);
    needs.log.warn({ consumer, failures, err: sentence, retryMs: pause }, 'change consumer failed');
    needs.alarms.raise(consumer, 'ChangeFeedConsumerFailed', 3, `${consumer} cannot handle changes: ${sentence}`);
    await store.recordFailure(consumer, failures, sentence, clock.now()).catch((cause: unknown) => {
      needs.log.error({ consumer, err: describeError(cause) }, 'the failure could not be written down');
    });
    await sleep(clock, pause, signal).catch(() => undefined);
  };

  return {
    get position() {
      return isUnproven ? acknowledged : handled();
    },
    wake() {
      hasWork = true;
      wake();
    },
    async run() {
      let isSettled = false;
      while (!signal.aborted) {
        try {
          if (!isSettled) {
            await store.register(consumer, tables.join(','), clock.now());
            await settleIn();
            if (options.start === 'snapshot' && failures === 0) snapshotReason ??= 'requested';
            isSettled = true;
          }
          await step();
        } catch (error) {
          if (signal.aborted) return;
          isUnproven = true;
          await fail(error);
          // What lives in memory may be half done: begin anew where that is what the consumer does at every start.
          if (options.start === 'snapshot') snapshotReason ??= 'requested';
          else isSettled = false;
        }
      }
    },
  };
}

function ignoring(patterns: readonly string[]): (origin: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith(':*')));
  const families = patterns.filter((pattern) => pattern.endsWith(':*')).map((pattern) => pattern.slice(0, -1));
  return (origin) => exact.has(origin) || families.some((family) => origin.startsWith(family));
}
