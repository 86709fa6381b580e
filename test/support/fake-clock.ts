import type { Clock } from '../../src/platform/clock.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

/** A clock that stands still until it is told to move. */
export class FakeClock implements Clock {
  #elapsed = 0;
  #order = 0;
  readonly #start: number;
  readonly #timers = new Set<Timer>();

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#start = start;
  }

  now(): number {
    return this.#start + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  schedule(ms: number, task: () => void): Disposable {
    this.#order += 1;
    const timer = { at: this.#elapsed + Math.max(0, ms), order: this.#order, task };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time on; timers due on the way fire in order, and promises they settle run before the next one. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    for (;;) {
      await turn();
      const due = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at || a.order - b.order);
      const next = due[0];
      if (!next) break;
      this.#timers.delete(next);
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.task();
    }
    this.#elapsed = end;
    await turn();
  }

  /**
   * Moves time on step by step until `isSo`. For what waits for files or sockets between its timers: one long `advance`
   * can be over before the next timer is set.
   */
  async advanceUntil(isSo: () => boolean, stepMs = 1_000): Promise<void> {
    while (!isSo()) await this.advance(stepMs);
  }
}

/** Lets everything that is ready run, input and output included. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
