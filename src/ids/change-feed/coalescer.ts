import type { Change } from '../change-feed.ts';
import type { WatchedTable } from '../database.ts';
import type { LoggedChange } from './feed-store.ts';

/** Separates table and key where both make one name. */
const IN = '\u0000';

interface Held {
  change: Change;
  /** The first of the coalesced rows: nothing from here on may be acknowledged. */
  readonly firstSeq: number;
}

/**
 * Merges rows of the log into changes: the first change of a key goes out at once, further ones within `windowMs` as
 * the latest state once. Other keys are not delayed by it.
 */
export interface Coalescer {
  add(row: LoggedChange): void;
  /** Takes what may go out at `now` (monotonic), oldest first. */
  take(now: number): readonly Change[];
  /** When the next held change becomes due; undefined when none is held. */
  readonly nextDue: number | undefined;
  /** The smallest sequence number that is still held. */
  readonly firstHeldSeq: number | undefined;
  readonly size: number;
  clear(): void;
}

export function createCoalescer(windowMs: number): Coalescer {
  const held = new Map<string, Held>();
  const delivered = new Map<string, number>();
  const dueOf = (name: string): number => (delivered.get(name) ?? Number.NEGATIVE_INFINITY) + windowMs;
  return {
    add(row) {
      const name = `${row.tbl}${IN}${row.key}`;
      const known = held.get(name);
      const changed = row.changed === '' ? [] : row.changed.slice(0, -1).split(',');
      const isUpdate = row.op === 'u';
      const change: Change = {
        seq: row.seq,
        table: row.tbl as WatchedTable,
        // An insertion that is updated at once is still an insertion to somebody who has not seen it.
        op: isUpdate && known?.change.op === 'i' ? 'i' : row.op,
        key: row.key,
        changed: new Set(isUpdate ? [...(known?.change.changed ?? []), ...changed] : []),
        origin: row.origin,
        requestId: row.requestid,
        at: known?.change.at ?? row.at,
      };
      if (known) known.change = change;
      else held.set(name, { change, firstSeq: row.seq });
    },
    take(now) {
      const due: Change[] = [];
      for (const [name, { change }] of held) {
        if (dueOf(name) > now) continue;
        due.push(change);
        held.delete(name);
        delivered.set(name, now);
      }
      // What was delivered longer ago than the window holds nothing back any more.
      for (const [name, at] of delivered) {
        if (at + windowMs > now) break;
        delivered.delete(name);
      }
      return due.sort((a, b) => a.seq - b.seq);
    },
    get nextDue() {
      let next: number | undefined;
      for (const name of held.keys()) {
        const due = dueOf(name);
        if (next === undefined || due < next) next = due;
      }
      return next;
    },
    get firstHeldSeq() {
      let first: number | undefined;
      for (const { firstSeq } of held.values()) if (first === undefined || firstSeq < first) first = firstSeq;
      return first;
    },
    get size() {
      return held.size;
    },
    clear() {
      held.clear();
      delivered.clear();
    },
  };
}
