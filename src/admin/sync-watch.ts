import { type Clock, isoTime } from '../platform/clock.ts';
import type { SyncProgressEvent } from './context.ts';

/** A stage of a sync, as far as it has come. */
export interface SyncStage {
  readonly stage: string;
  readonly done: number;
  readonly total: number | null;
  /** ISO 8601: when something of it was first and last heard. */
  readonly startedAt: string;
  readonly lastAt: string;
}

/** One sync that was seen from its first stage on. */
export interface SyncRun {
  readonly startedAt: string;
  readonly lastAt: string;
  readonly stages: readonly SyncStage[];
}

/** Remembers what the Sync Agent told of its progress: the console shows it to those who come later. */
export interface SyncWatch extends Disposable {
  /** The newest last. */
  runs(): readonly SyncRun[];
  /** Grows with everything heard. */
  readonly version: number;
}

const RUNS_KEPT = 20;
/** Silence after which the next word belongs to another sync. */
const QUIET_MS = 60_000;

export function watchSync(
  onProgress: (listener: (event: SyncProgressEvent) => void) => Disposable,
  clock: Clock,
): SyncWatch {
  const runs: { startedAt: string; lastAt: string; stages: SyncStage[] }[] = [];
  let version = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  const watching = onProgress(({ stage, done, total }) => {
    version += 1;
    const now = isoTime(clock.now());
    let run = runs.at(-1);
    const known = run?.stages.findIndex((each) => each.stage === stage) ?? -1;
    const isAgain = run !== undefined && known >= 0 && known < run.stages.length - 1;
    if (!run || isAgain || clock.monotonic() - lastMs > QUIET_MS) {
      run = { startedAt: now, lastAt: now, stages: [] };
      runs.push(run);
      if (runs.length > RUNS_KEPT) runs.shift();
    }
    lastMs = clock.monotonic();
    run.lastAt = now;
    const at = run.stages.at(-1);
    if (at?.stage === stage) run.stages[run.stages.length - 1] = { ...at, done, total, lastAt: now };
    else run.stages.push({ stage, done, total, startedAt: now, lastAt: now });
  });
  return {
    runs: () => runs,
    get version() {
      return version;
    },
    [Symbol.dispose]: () => watching[Symbol.dispose](),
  };
}
