import { type Clock, sleep } from '../../../platform/clock.ts';
import { describeError } from '../../../platform/errors.ts';

export interface TellerNeeds {
  readonly clock: Clock;
  readonly tell: (sequence: number) => Promise<void>;
  readonly onOutcome: (failure: string | null) => void;
}

/** Tells a peer that there is something new here: the newest at once, again when it was not heard, and then no more. */
export interface Teller {
  /** Returns at once. */
  tell(sequence: number): void;
  run(signal: AbortSignal): Promise<void>;
}

/** The peer's own period finds what it was not told. */
const RETRY_MS = [1_000, 5_000, 30_000] as const;

export function createTeller({ clock, tell, onOutcome }: TellerNeeds): Teller {
  let newest: number | null = null;
  let wake: () => void = () => undefined;
  return {
    tell(sequence) {
      newest = Math.max(newest ?? 0, sequence);
      wake();
    },
    async run(signal) {
      signal.addEventListener('abort', () => wake(), { once: true });
      while (!signal.aborted) {
        if (newest === null) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        for (let attempt = 0; newest !== null && !signal.aborted; attempt += 1) {
          const sequence: number = newest;
          newest = null;
          try {
            await tell(sequence);
            onOutcome(null);
          } catch (error) {
            if (signal.aborted) return;
            onOutcome(describeError(error));
            const pause = RETRY_MS[attempt];
            if (pause === undefined) break;
            newest = Math.max(newest ?? 0, sequence);
            await sleep(clock, pause, signal).catch(() => undefined);
          }
        }
      }
    },
  };
}
