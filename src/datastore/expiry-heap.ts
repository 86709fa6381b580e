/** What the heap keeps in order. The heap alone writes the two `heap…` fields. */
export interface Expiring {
  /** When it expires, on the monotonic clock; may move later at any time without telling the heap. */
  expiresAt: number;
  /** The time the heap sorted it by: never later than `expiresAt`. */
  heapAt: number;
  /** Its place; -1 while it is not in the heap. */
  heapIndex: number;
}

/**
 * A binary heap of what expires, soonest first, that knows each member's place. A member whose expiry moved later (a
 * session in use moves at every request) stays where it is and is sorted anew when its old time comes, so that a touch
 * costs nothing.
 */
export class ExpiryHeap<Row extends Expiring> {
  readonly #rows: Row[] = [];

  /** When to look next; undefined when nothing expires. */
  get nextAt(): number | undefined {
    return this.#rows[0]?.heapAt;
  }

  get size(): number {
    return this.#rows.length;
  }

  /** Takes the row in, or notes that its expiry changed. */
  update(row: Row): void {
    if (row.heapIndex < 0) {
      row.heapAt = row.expiresAt;
      row.heapIndex = this.#rows.length;
      this.#rows.push(row);
      this.#rise(row);
    } else if (row.expiresAt < row.heapAt) {
      row.heapAt = row.expiresAt;
      this.#rise(row);
    }
  }

  remove(row: Row): void {
    const index = row.heapIndex;
    if (index < 0) return;
    row.heapIndex = -1;
    const last = this.#rows.pop();
    if (!last || last === row) return;
    last.heapIndex = index;
    this.#rows[index] = last;
    this.#sink(last);
    this.#rise(last);
  }

  /** Takes out the next row that has expired by `now`. */
  takeExpired(now: number): Row | undefined {
    for (;;) {
      const row = this.#rows[0];
      if (!row || row.heapAt > now) return undefined;
      if (row.expiresAt <= now) {
        this.remove(row);
        return row;
      }
      row.heapAt = row.expiresAt;
      this.#sink(row);
    }
  }

  #rise(row: Row): void {
    let index = row.heapIndex;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = this.#rows[parentIndex] as Row;
      if (parent.heapAt <= row.heapAt) break;
      this.#place(parent, index);
      index = parentIndex;
    }
    this.#place(row, index);
  }

  #sink(row: Row): void {
    let index = row.heapIndex;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= this.#rows.length) break;
      let child = this.#rows[childIndex] as Row;
      const right = this.#rows[childIndex + 1];
      if (right && right.heapAt < child.heapAt) {
        child = right;
        childIndex += 1;
      }
      if (child.heapAt >= row.heapAt) break;
      this.#place(child, index);
      index = childIndex;
    }
    this.#place(row, index);
  }

  #place(row: Row, index: number): void {
    row.heapIndex = index;
    this.#rows[index] = row;
  }
}
