interface Lane {
  running: number;
  readonly waiting: Set<() => Promise<void>>;
}

export interface CallbackLanesOptions {
  readonly perLane: number;
  readonly inAll: number;
}

/** Runs tasks, only so many at once in one lane and in all, so that a slow application holds up nobody else. */
export class CallbackLanes {
  readonly #options: CallbackLanesOptions;
  readonly #lanes = new Map<string, Lane>();
  #running = 0;

  constructor(options: CallbackLanesOptions) {
    this.#options = options;
  }

  /** Disposing takes a task back that has not begun. The task must not reject. */
  enqueue(name: string, task: () => Promise<void>): Disposable {
    let lane = this.#lanes.get(name);
    if (!lane) {
      lane = { running: 0, waiting: new Set() };
      this.#lanes.set(name, lane);
    }
    lane.waiting.add(task);
    this.#fill();
    return {
      [Symbol.dispose]: () => {
        const found = this.#lanes.get(name);
        found?.waiting.delete(task);
        if (found) this.#forgetEmpty(name, found);
      },
    };
  }

  #fill(): void {
    for (const [name, lane] of [...this.#lanes]) {
      if (this.#running >= this.#options.inAll) return;
      const [task] = lane.waiting;
      if (!task || lane.running >= this.#options.perLane) continue;
      lane.waiting.delete(task);
      lane.running += 1;
      this.#running += 1;
      // To the end of the row: the next place that gets free is another lane's.
      this.#lanes.delete(name);
      this.#lanes.set(name, lane);
      void task().then(() => {
        lane.running -= 1;
        this.#running -= 1;
        this.#forgetEmpty(name, lane);
        this.#fill();
      });
    }
  }

  #forgetEmpty(name: string, lane: Lane): void {
    if (lane.running === 0 && lane.waiting.size === 0 && this.#lanes.get(name) === lane) this.#lanes.delete(name);
  }
}
