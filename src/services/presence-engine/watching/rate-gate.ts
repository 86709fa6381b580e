import type { Clock } from '../../../platform/clock.ts';

/** Lets so many tasks a second through, at once as long as there is room, then in their order. */
export class RateGate {
  readonly #clock: Clock;
  readonly #perSecond: () => number;
  readonly #waiting: (() => void)[] = [];
  #tokens: number;
  #countedAt: number;
  #timer: Disposable | undefined;

  constructor(clock: Clock, perSecond: () => number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#tokens = perSecond();
    this.#countedAt = clock.monotonic();
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  enter(task: () => void): void {
    this.#waiting.push(task);
    if (this.#timer === undefined) this.#drain();
  }

  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#waiting.length = 0;
  }

  #drain(): void {
    const rate = this.#perSecond();
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(rate, this.#tokens + ((now - this.#countedAt) / 1_000) * rate);
    this.#countedAt = now;
    // The sums of many small pieces of time fall short of one by a hair.
    while (this.#tokens > 1 - 1e-6) {
      const task = this.#waiting.shift();
      if (task === undefined) return;
      this.#tokens -= 1;
      task();
    }
    if (this.#waiting.length === 0) return;
    this.#timer = this.#clock.schedule(((1 - this.#tokens) / rate) * 1_000, () => {
      this.#timer = undefined;
      this.#drain();
    });
  }
}
