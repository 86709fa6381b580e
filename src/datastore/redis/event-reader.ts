import { type Clock, sleep } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { RedisConnection } from './connection.ts';

/** One event of a store as it stands in its stream. */
export interface StreamEvent {
  readonly id: string;
  readonly fields: readonly string[];
}

/** Reads the streams of all stores on one connection, each from where it was left: nothing is missed over an outage. */
export interface EventReader extends AsyncDisposable {
  /** Follows a stream from its present end on. */
  follow(stream: string, take: (event: StreamEvent) => void): void;
  /** The end of a stream, behind everything that was sent before the call. */
  endOf(stream: string): Promise<string>;
  /** Resolves when everything up to here has been handed on. */
  caughtUp(): Promise<void>;
}

interface Followed {
  /** Last event handed on; undefined until the stream's end is known. */
  at: string | undefined;
  readonly take: (event: StreamEvent) => void;
}

const BLOCK_MS = 2_000;
const EVENTS_AT_ONCE = 500;
const RETRY_MS = 250;
const NOTHING = '0-0';

export function createEventReader(needs: {
  readonly connection: RedisConnection;
  readonly clock: Clock;
  readonly log: Log;
}): EventReader {
  const { connection, clock, log } = needs;
  const followed = new Map<string, Followed>();
  const closing = new AbortController();
  const waiters = new Set<() => void>();
  let isRunning = false;
  let running: Promise<void> = Promise.resolve();

  const endOf = async (stream: string): Promise<string> => {
    const last = (await connection.call('XREVRANGE', [stream, '+', '-', 'COUNT', 1])) as readonly [string, unknown][];
    return last[0]?.[0] ?? NOTHING;
  };

  const readOnce = async (): Promise<void> => {
    for (const [stream, each] of followed) {
      if (each.at !== undefined) continue;
      const end = await endOf(stream);
      // Asked for by `follow` before, and known meanwhile.
      each.at ??= end;
    }
    const known = [...followed].filter(([, { at }]) => at !== undefined);
    const answer = await connection.wait('XREAD', [
      'COUNT',
      EVENTS_AT_ONCE,
      'BLOCK',
      BLOCK_MS,
      'STREAMS',
      ...known.map(([stream]) => stream),
      ...known.map(([, { at }]) => at ?? NOTHING),
    ]);
    for (const [stream, events] of streamsOf(answer)) {
      const each = followed.get(stream);
      for (const [id, fields] of events) {
        if (!each) continue;
        each.at = id;
        each.take({ id, fields });
      }
    }
    for (const waiter of waiters) waiter();
  };

  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      try {
        await readOnce();
      } catch (error) {
        if (closing.signal.aborted) return;
        log.debug({ err: describeError(error) }, 'datastore events cannot be read');
        await sleep(clock, RETRY_MS, closing.signal).catch(() => undefined);
      }
    }
  };

  return {
    follow(stream, take) {
      const each: Followed = { at: undefined, take };
      followed.set(stream, each);
      // Asked for now, before anything that the caller sends next.
      void endOf(stream).then(
        (end) => {
          each.at ??= end;
        },
        (error: unknown) => log.debug({ err: describeError(error) }, 'the end of a datastore stream is not known yet'),
      );
      if (isRunning) {
        connection.wake();
        return;
      }
      isRunning = true;
      running = run();
    },
    endOf,
    async caughtUp() {
      const ends = await Promise.all(
        [...followed.keys()].map(async (stream) => [stream, await endOf(stream)] as const),
      );
      const isDone = (): boolean => ends.every(([stream, end]) => !isBefore(followed.get(stream)?.at ?? NOTHING, end));
      while (!isDone() && !closing.signal.aborted) {
        await new Promise<void>((resolve) => {
          const waiter = (): void => {
            waiters.delete(waiter);
            resolve();
          };
          waiters.add(waiter);
        });
      }
    },
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the datastore is closed'));
      for (const waiter of waiters) waiter();
      await running;
    },
  };
}

type Streams = readonly (readonly [string, readonly (readonly [string, readonly string[]])[]])[];

/** Stream and events, stream and events …: in pairs with RESP2, one after the other with RESP3; null when none came. */
function streamsOf(answer: unknown): Streams {
  const all = (answer ?? []) as readonly unknown[];
  if (all.every(Array.isArray)) return all as unknown as Streams;
  const pairs: [unknown, unknown][] = [];
  for (let place = 0; place + 1 < all.length; place += 2) pairs.push([all[place], all[place + 1]]);
  return pairs as unknown as Streams;
}

/** Whether a stream's id comes before another: `milliseconds-sequence`. */
export function isBefore(a: string, b: string): boolean {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs < bMs || (aMs === bMs && aSeq < bSeq);
}
