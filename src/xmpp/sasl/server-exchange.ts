import { isUtf8 } from 'node:buffer';
import { type Jid, tryParseJid } from '../jid.ts';
import { SaslError } from './sasl-error.ts';

/** One answer of the server: a further challenge, or that the user is signed in (with data for the last word). */
export type SaslServerStep =
  | { readonly kind: 'challenge'; readonly data: Buffer }
  | { readonly kind: 'success'; readonly user: Jid; readonly data: Buffer | null };

/** The server's side of one sign-in. */
export interface SaslServerExchange {
  /** The initial response, or the answer to a challenge. @throws ImpError; `toSaslError` says it to the client */
  respond(message: Buffer): Promise<SaslServerStep>;
}

/** @throws SaslError `malformed-request` */
export function utf8Of(message: Buffer): string {
  if (!isUtf8(message)) throw new SaslError('malformed-request', 'the message is not UTF-8');
  return message.toString('utf8');
}

/** RFC 6120 6.3.8: whoever signs in acts as itself; the identity to act as is empty or its own bare address. */
export function checkAuthorisation(user: Jid, authzid: string): void {
  if (authzid === '') return;
  if (tryParseJid(authzid)?.full !== user.bare) {
    throw new SaslError('invalid-authzid', 'nobody may act as somebody else');
  }
}
