/**
 * Hands out the lowest free id, from 1. Clients depend on small ids: one takes only the last character of a URL as the
 * id, another cleans up by deleting 1 to 4 (docs/services/presence-web-service.md).
 */
export class SmallIds {
  readonly #isTaken: Uint8Array;
  /** No id below it is free. */
  #lowest = 1;

  /** @param count ids 1 to `count`. */
  constructor(count: number) {
    this.#isTaken = new Uint8Array(count + 1);
  }

  /** Undefined when all are taken. */
  take(): number | undefined {
    while (this.#lowest < this.#isTaken.length && this.#isTaken[this.#lowest] === 1) this.#lowest += 1;
    if (this.#lowest >= this.#isTaken.length) return undefined;
    this.#isTaken[this.#lowest] = 1;
    return this.#lowest;
  }

  release(id: number): void {
    this.#isTaken[id] = 0;
    this.#lowest = Math.min(this.#lowest, id);
  }
}
