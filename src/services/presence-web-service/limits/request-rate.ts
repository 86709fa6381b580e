import { LRUCache } from 'lru-cache';
import type { Alarms } from '../../../platform/alarms.ts';
import type { Clock } from '../../../platform/clock.ts';
import { PWS_SERVICE } from '../names.ts';

export interface RequestRateOptions {
  readonly perSecond: number;
  /** Most requests at once after a pause. */
  readonly burst: number;
}

/** Keeps each session to its share of requests. */
export interface RequestRate {
  /** False when the session has to wait. */
  take(sessionId: string): boolean;
  /** To be called once a second or so: ends the alarm when nobody has had to wait for a while. */
  tick(): void;
}

interface Bucket {
  tokens: number;
  at: number;
}

const ALARM = 'PWSRequestLimitReached';
/** Sessions remembered; one that falls out begins with a full measure. */
const MAX_SESSIONS = 100_000;
const QUIET_MS = 10_000;

export function createRequestRate(clock: Clock, alarms: Alarms, options: RequestRateOptions): RequestRate {
  const buckets = new LRUCache<string, Bucket>({ max: MAX_SESSIONS });
  let lastRefusalAt: number | undefined;
  return {
    take(sessionId) {
      const now = clock.monotonic();
      const bucket = buckets.get(sessionId) ?? { tokens: options.burst, at: now };
      bucket.tokens = Math.min(options.burst, bucket.tokens + ((now - bucket.at) / 1_000) * options.perSecond);
      bucket.at = now;
      buckets.set(sessionId, bucket);
      if (bucket.tokens >= 1) {
        bucket.tokens -= 1;
        return true;
      }
      lastRefusalAt = now;
      alarms.raise(PWS_SERVICE, ALARM, 4, `a session sends more than ${options.perSecond} requests a second`);
      return false;
    },
    tick() {
      if (lastRefusalAt === undefined || clock.monotonic() - lastRefusalAt < QUIET_MS) return;
      lastRefusalAt = undefined;
      alarms.clear(PWS_SERVICE, ALARM);
    },
  };
}
