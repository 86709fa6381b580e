import { type ErrorKind, ImpError } from '../../../platform/errors.ts';
import type { Scope } from '../../../platform/service.ts';

/** A line on a phone. */
export interface LineAddress {
  readonly device: string;
  readonly number: string;
  readonly partition: string;
}

/** What a line's own connection in a call is (ECMA-269, local connection states). */
export type LocalState = 'null' | 'initiated' | 'alerting' | 'connected';

/** Causes of ECMA-269 that happen here. */
export type EventCause = 'newCall' | 'normalClearing' | 'busy' | 'invalidNumber';

interface CallFacts {
  readonly callId: string;
  /** Numbers of the two parties. */
  readonly calling: string;
  readonly called: string;
  /** The connection of the line that hears of it. */
  readonly local: LocalState;
  readonly cause: EventCause;
}

/** What happens to the calls of a line; `party` is the number whose connection it is about. */
export interface LineEvent extends CallFacts {
  readonly kind: 'originated' | 'delivered' | 'established' | 'cleared' | 'failed';
  readonly party: string;
}

export type LineProblem =
  | 'not-ours' // the provider does not know the phone or its line
  | 'invalid-number'
  | 'no-such-call'
  | 'wrong-state' // nothing to answer, or a call is up already
  | 'out-of-service'; // the provider is not connected

const KINDS: Readonly<Record<LineProblem, ErrorKind>> = {
  'not-ours': 'not-found',
  'invalid-number': 'invalid',
  'no-such-call': 'not-found',
  'wrong-state': 'conflict',
  'out-of-service': 'unavailable',
};

/** The line cannot do what was asked. */
export class LineError extends ImpError {
  override readonly name = 'LineError';
  readonly problem: LineProblem;
  constructor(problem: LineProblem, message: string, options?: { cause?: unknown }) {
    super(KINDS[problem], `rcc.line.${problem}`, message, options);
    this.problem = problem;
  }
}

/** A line that a session drives. */
export interface OpenLine extends AsyncDisposable {
  readonly address: LineAddress;
  /** Answers the id of the new call. @throws LineError */
  makeCall(destination: string): Promise<string>;
  /** @throws LineError */
  answerCall(callId: string): Promise<void>;
  /** Takes the line out of a call; a call of two ends with it. @throws LineError */
  clearConnection(callId: string): Promise<void>;
}

/** Who drives telephones: the simulator, or whoever speaks to a CTI manager. */
export interface LineControl {
  /** `simulator`: for `detail()` and the log. */
  readonly name: string;
  /** Connects; the scope disconnects. @throws ImpError `unavailable` when it cannot, to be tried again */
  open(scope: Scope): Promise<void>;
  /** @throws LineError */
  openLine(address: LineAddress, listener: (event: LineEvent) => void): Promise<OpenLine>;
  /**
   * Hears that the connection was lost, and that it is back. Open lines are gone when it is lost: their sessions are
   * told, so that clients sign in anew.
   */
  onState(listener: (state: 'up' | 'down') => void): Disposable;
}
