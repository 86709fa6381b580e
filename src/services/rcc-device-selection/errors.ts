import { type ErrorKind, ImpError } from '../../platform/errors.ts';

export type RccErrorCode =
  | 'rcc.stopped' // remote call control is off, which it is until somebody activates it
  | 'rcc.line-uri' // the Line URI breaks its grammar
  | 'rcc.unknown-user'
  | 'rcc.not-licensed' // the user is not assigned remote call control
  | 'rcc.not-authorized' // the user may not, or no phone of theirs can be taken
  | 'rcc.unknown-appearance' // the user controls no such phone or line
  | 'rcc.no-session-key'
  | 'rcc.session-not-valid'
  | 'rcc.end-user-needed' // the session is an application's
  | 'rcc.bad-request' // no request of this interface
  | 'rcc.busy'; // too many at once

const KINDS: Readonly<Record<RccErrorCode, ErrorKind>> = {
  'rcc.stopped': 'unavailable',
  'rcc.line-uri': 'invalid',
  'rcc.unknown-user': 'not-found',
  'rcc.not-licensed': 'denied',
  'rcc.not-authorized': 'denied',
  'rcc.unknown-appearance': 'not-found',
  'rcc.no-session-key': 'denied',
  'rcc.session-not-valid': 'denied',
  'rcc.end-user-needed': 'denied',
  'rcc.bad-request': 'invalid',
  'rcc.busy': 'unavailable',
};

/** Everything that this room refuses. */
export class RccError extends ImpError {
  override readonly name = 'RccError';
  declare readonly code: RccErrorCode;
  constructor(code: RccErrorCode, message: string, options?: { cause?: unknown }) {
    super(KINDS[code], code, message, options);
  }
}
