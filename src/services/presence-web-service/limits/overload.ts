import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Alarms } from '../../../platform/alarms.ts';
import { PWS_SERVICE } from '../names.ts';

/** How long work has waited for the CPU since the last call, in milliseconds. */
export type ReadDelay = () => number;

/** Whether the CPU is too busy for more requests. */
export interface OverloadGuard {
  readonly isOverloaded: boolean;
  /** To be called once a second or so. */
  tick(): void;
}

const ALARM = 'PWSAboveCPULimit';
/** Measurements above the limit before requests are refused: one long task is no overload. */
const TICKS = 3;

/**
 * The share of CPU used says little: a node that works at its best uses all of it. What callers feel is how long their
 * work waits; above the limit for some seconds requests are refused, until the wait has fallen to half of the limit.
 */
export function createOverloadGuard(readDelay: ReadDelay, alarms: Alarms, limitMs: number): OverloadGuard {
  let isOverloaded = false;
  let above = 0;
  return {
    get isOverloaded() {
      return isOverloaded;
    },
    tick() {
      const delay = readDelay();
      above = delay > limitMs ? above + 1 : 0;
      if (!isOverloaded && above >= TICKS) {
        isOverloaded = true;
        alarms.raise(PWS_SERVICE, ALARM, 4, `work waits ${Math.round(delay)} ms for the CPU, more than ${limitMs} ms`);
      } else if (isOverloaded && delay < limitMs / 2) {
        isOverloaded = false;
        alarms.clear(PWS_SERVICE, ALARM);
      }
    },
  };
}

/** Measures the event loop of this process; `close` ends it. */
export function measureEventLoopDelay(): { readonly read: ReadDelay; close(): void } {
  const resolution = 20;
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  return {
    read() {
      // Without a measurement the median is 0, and the timer's own interval is no delay.
      const delay = histogram.count === 0 ? 0 : Math.max(0, histogram.percentile(50) / 1e6 - resolution);
      histogram.reset();
      return delay;
    },
    close: () => void histogram.disable(),
  };
}
