/** Stanzas of all clients that wait for the router. */
export interface Pressure {
  add(count: number): void;
  readonly waiting: number;
  readonly isHigh: boolean;
  onChange(listener: (isHigh: boolean) => void): Disposable;
}

/** High above `limit`, and until half of it is left: whoever reads from clients stops meanwhile. */
export function createPressure(limit: number): Pressure {
  const listeners = new Set<(isHigh: boolean) => void>();
  let waiting = 0;
  let isHigh = false;
  return {
    add(count) {
      waiting += count;
      const now = isHigh ? waiting > limit / 2 : waiting > limit;
      if (now === isHigh) return;
      isHigh = now;
      for (const listener of listeners) listener(isHigh);
    },
    get waiting() {
      return waiting;
    },
    get isHigh() {
      return isHigh;
    },
    onChange(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

/** After so many that wait the client is held back, and let on again when it is down to the second. */
const HOLD_AT = 32;
const LET_GO_AT = 8;

/**
 * What a client sent, handled one after the other in its order: the next waits until the one before is done, which is
 * how a look-up, a full store or a slow component holds a sender back.
 */
export class Inbox {
  readonly #pressure: Pressure;
  readonly #hold: (isHeld: boolean) => void;
  #waiting: (() => void | Promise<void>)[] = [];
  #isRunning = false;
  #isHeld = false;
  #idle: (() => void)[] = [];

  /** `hold` stops and continues reading from the client. */
  constructor(pressure: Pressure, hold: (isHeld: boolean) => void) {
    this.#pressure = pressure;
    this.#hold = hold;
  }

  /** `task` never rejects. */
  push(task: () => void | Promise<void>): void {
    if (!this.#isRunning) {
      const running = task();
      if (running !== undefined) void this.#run(running);
      return;
    }
    this.#waiting.push(task);
    this.#pressure.add(1);
    if (!this.#isHeld && this.#waiting.length >= HOLD_AT) {
      this.#isHeld = true;
      this.#hold(true);
    }
  }

  /** Resolves when everything pushed so far is done. */
  whenIdle(): Promise<void> {
    return this.#isRunning ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve();
  }

  async #run(first: Promise<void>): Promise<void> {
    this.#isRunning = true;
    await first;
    for (;;) {
      const batch = this.#waiting;
      if (batch.length === 0) break;
      this.#waiting = [];
      for (const task of batch) {
        this.#pressure.add(-1);
        await task();
      }
      if (this.#isHeld && this.#waiting.length <= LET_GO_AT) {
        this.#isHeld = false;
        this.#hold(false);
      }
    }
    this.#isRunning = false;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}
