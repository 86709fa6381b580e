import { type ErrorKind, ImpError } from '../platform/errors.ts';

export type SipErrorCode =
  | 'sip.malformed' // the bytes are no SIP message, or a header field breaks its grammar
  | 'sip.too-large' // past a bound of the parser
  | 'sip.version' // a protocol version other than SIP/2.0
  | 'sip.refused' // a handler refuses the request with a status of its own
  | 'sip.forbidden-character' // a value of ours that a header field cannot carry
  | 'sip.bind' // a listener cannot be opened
  | 'sip.unreachable' // no connection, or it broke
  | 'sip.flow-failed' // the flow that a token names is gone (RFC 5626 5.3)
  | 'sip.certificate' // the peer's certificate cannot be verified
  | 'sip.overloaded' // the peer reads too slowly, or a cap of ours is reached
  | 'sip.timeout' // no answer in time (timers B, F)
  | 'sip.unresolved' // RFC 3263 finds no server
  | 'sip.closed'; // the endpoint is closing

/** What the peer may be told: a response's status and reason phrase. */
export interface SipAnswer {
  readonly status: number;
  readonly reason: string;
  /** Header fields that go along, as `{ 'Retry-After': '5' }`. */
  readonly headers?: Readonly<Record<string, string>>;
}

const KINDS: Readonly<Record<SipErrorCode, ErrorKind>> = {
  'sip.malformed': 'invalid',
  'sip.too-large': 'invalid',
  'sip.version': 'invalid',
  'sip.refused': 'denied',
  'sip.forbidden-character': 'internal',
  'sip.bind': 'unavailable',
  'sip.unreachable': 'unavailable',
  'sip.flow-failed': 'unavailable',
  'sip.certificate': 'denied',
  'sip.overloaded': 'unavailable',
  'sip.timeout': 'unavailable',
  'sip.unresolved': 'unavailable',
  'sip.closed': 'unavailable',
};

export interface SipErrorOptions {
  readonly cause?: unknown;
  readonly answer?: SipAnswer;
}

/** Everything that this room refuses or fails at. The message never quotes the peer's bytes. */
export class SipError extends ImpError {
  override readonly name: string = 'SipError';
  declare readonly code: SipErrorCode;
  /** The response that a request which caused this may be given; undefined when it can only be dropped. */
  readonly answer: SipAnswer | undefined;

  constructor(code: SipErrorCode, message: string, options: SipErrorOptions = {}) {
    super(KINDS[code], code, message, options.cause === undefined ? undefined : { cause: options.cause });
    this.answer = options.answer;
  }
}

/** A header field or start line that breaks its grammar; a request may be answered 400 with what is wrong (RFC 3261 21.4.1). */
export function malformed(where: string, what: string): SipError {
  return new SipError('sip.malformed', `malformed ${where}: ${what}`, {
    answer: { status: 400, reason: `Malformed ${where}` },
  });
}

/** A request that a handler refuses: thrown anywhere in it, it becomes that response. */
export function refusal(
  status: number,
  reason: string,
  headers?: Readonly<Record<string, string>>,
  cause?: unknown,
): SipError {
  return new SipError('sip.refused', `refused: ${status} ${reason}`, {
    answer: headers === undefined ? { status, reason } : { status, reason, headers },
    cause,
  });
}
