import type { Clock } from '../../platform/clock.ts';
import type { SipStatistics } from '../statistics.ts';
import type { OwnedServerTransaction } from './server-transaction.ts';

/** Timer J is looked at no more often than this while many wait: what is let go a little late does no harm. */
const LOOK_MS = 250;

/** An answer that is sent again when its request is; nothing else is left of the transaction. */
class CompletedTransaction implements OwnedServerTransaction {
  readonly key: string;
  readonly until: number;
  next: CompletedTransaction | undefined = undefined;
  readonly #bytes: Buffer;
  readonly #transmit: (bytes: Buffer, onError: () => void) => void;
  readonly #kept: CompletedTransactions;

  constructor(
    key: string,
    until: number,
    bytes: Buffer,
    transmit: (bytes: Buffer, onError: () => void) => void,
    kept: CompletedTransactions,
  ) {
    this.key = key;
    this.until = until;
    this.#bytes = bytes;
    this.#transmit = transmit;
    this.#kept = kept;
  }

  receive(): void {
    const { statistics } = this.#kept;
    statistics.retransmissionsIn += 1;
    statistics.retransmissionsOut += 1;
    statistics.responsesOut += 1;
    this.#transmit(this.#bytes, () => {
      statistics.transportErrors += 1;
      this.#kept.end(this.key, this);
    });
  }

  /** Answered already. */
  cancel(): void {}

  /** The queue is ended as a whole. */
  stop(): void {}
}

export interface CompletedNeeds {
  readonly clock: Clock;
  /** Timer J: 64 T1. */
  readonly holdMs: number;
  readonly statistics: SipStatistics;
  readonly servers: Map<string, OwnedServerTransaction>;
}

/**
 * The Completed state of answered requests other than INVITE over UDP (RFC 3261 17.2.2). A registrar has tens of
 * thousands of them at any time, so each is one small object in one queue with one timer: all wait equally long, and
 * the first in is the first out.
 */
export class CompletedTransactions {
  readonly statistics: SipStatistics;
  readonly #needs: CompletedNeeds;
  #first: CompletedTransaction | undefined;
  #last: CompletedTransaction | undefined;
  #timer: Disposable | undefined;

  constructor(needs: CompletedNeeds) {
    this.#needs = needs;
    this.statistics = needs.statistics;
  }

  /** Puts the answer into the place of the transaction that gave it. */
  keep(key: string, bytes: Buffer, transmit: (bytes: Buffer, onError: () => void) => void): void {
    const { clock, holdMs, servers } = this.#needs;
    const made = new CompletedTransaction(key, clock.monotonic() + holdMs, bytes, transmit, this);
    if (this.#last === undefined) this.#first = made;
    else this.#last.next = made;
    this.#last = made;
    servers.set(key, made);
    this.#timer ??= clock.schedule(holdMs, () => this.#look());
  }

  end(key: string, transaction: CompletedTransaction): void {
    const { servers, statistics } = this.#needs;
    // After an error the same key may stand for a newer one.
    if (servers.get(key) === transaction) servers.delete(key);
    statistics.serverTransactions = servers.size;
  }

  /** Ends all of them without further effect. */
  stop(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#first = undefined;
    this.#last = undefined;
  }

  #look(): void {
    const { clock } = this.#needs;
    const now = clock.monotonic();
    let first = this.#first;
    for (; first !== undefined && first.until <= now; first = first.next) this.end(first.key, first);
    this.#first = first;
    if (first === undefined) this.#last = undefined;
    this.#timer =
      first === undefined ? undefined : clock.schedule(Math.max(LOOK_MS, first.until - now), () => this.#look());
  }
}
