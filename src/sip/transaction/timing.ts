/** Base intervals of RFC 3261 17.1.1.1, milliseconds. */
export interface SipTiming {
  readonly t1: number;
  readonly t2: number;
  readonly t4: number;
}

export const DEFAULT_TIMING: SipTiming = { t1: 500, t2: 4_000, t4: 5_000 };

/** Timers by their letters in RFC 3261 table 4 and RFC 6026; those without a letter are named by what they do. */
export type TimerName =
  | 'A'
  | 'B'
  | 'D'
  | 'E'
  | 'F'
  | 'G'
  | 'H'
  | 'I'
  | 'J'
  | 'K'
  | 'L'
  | 'M'
  /** 100 Trying for an INVITE that nobody has answered (RFC 3261 17.2.1). */
  | 'trying'
  /** 100 Trying for another request that takes long, over UDP (RFC 4320 4.1). */
  | 'late-trying'
  /** Nobody has answered a request before its client gave up (RFC 4320 4.2). */
  | 'abandon';

interface TimerSpec {
  /** The first interval. */
  readonly first: (timing: SipTiming, isReliable: boolean) => number;
  /** The interval after each firing; without it the timer fires once. */
  readonly next?: (interval: number, timing: SipTiming) => number;
  /** Retransmissions are for transports that lose messages. */
  readonly isForUnreliable?: boolean;
}

const hold = (timing: SipTiming): number => 64 * timing.t1;
const doubling = (interval: number): number => interval * 2;
const doublingToT2 = (interval: number, timing: SipTiming): number => Math.min(interval * 2, timing.t2);

export const TIMERS: Readonly<Record<TimerName, TimerSpec>> = {
  A: { first: (timing) => timing.t1, next: doubling, isForUnreliable: true },
  B: { first: hold },
  D: { first: (_timing, isReliable) => (isReliable ? 0 : 32_000) },
  E: { first: (timing) => timing.t1, next: doublingToT2, isForUnreliable: true },
  F: { first: hold },
  G: { first: (timing) => timing.t1, next: doublingToT2, isForUnreliable: true },
  H: { first: hold },
  I: { first: (timing, isReliable) => (isReliable ? 0 : timing.t4) },
  J: { first: (timing, isReliable) => (isReliable ? 0 : hold(timing)) },
  K: { first: (timing, isReliable) => (isReliable ? 0 : timing.t4) },
  L: { first: hold },
  M: { first: hold },
  trying: { first: () => 200 },
  'late-trying': { first: (timing) => timing.t2 - timing.t1, isForUnreliable: true },
  abandon: { first: hold },
};
