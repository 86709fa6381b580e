import { ImpError } from '../platform/errors.ts';

export type XmppErrorCode =
  | 'xmpp.jid-malformed'
  | 'xmpp.base64' // text that should be base64 and is not
  | 'xmpp.form' // a data form that does not say what was asked
  | 'xmpp.string' // a user name or password that PRECIS or SASLprep refuses
  | 'xmpp.connection'; // a stream of ours could not be opened, or ended

/** What the caller handed over is no XMPP that we accept. */
export class XmppError extends ImpError {
  override readonly name = 'XmppError';
  declare readonly code: XmppErrorCode;
  constructor(code: XmppErrorCode, message: string, options?: { cause?: unknown }) {
    super(code === 'xmpp.connection' ? 'unavailable' : 'invalid', code, message, options);
  }
}
