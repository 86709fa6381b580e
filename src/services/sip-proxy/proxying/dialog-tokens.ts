import { timingSafeEqual } from 'node:crypto';
import { callIdOf, fromOf, type SipRequest, toOf } from '../../../sip/message/message.ts';
import { createSeal } from '../../../sip/seal.ts';

/** The ways to both ends of a dialog; '' where the end's own address will do. */
export interface DialogWays {
  readonly caller: string;
  readonly callee: string;
}

/**
 * What our Record-Route carries as its user part, and a later request of the dialog brings back: that this dialog went
 * through here, between these two, and over which flows they are reached. Nothing is kept for it.
 */
export interface DialogTokens {
  /** For the request that makes the dialog. */
  issue(request: SipRequest, ways: DialogWays): string;
  /** The flow token of the way to the other end ('' for none), or undefined: not a request of such a dialog. */
  read(token: string, request: SipRequest): { readonly onward: string } | undefined;
}

const SEAL_BYTES = 12;
const TAG_BYTES = 4;

/** @param secret at least 32 bytes */
export function createDialogTokens(secret: Buffer): DialogTokens {
  const seal = createSeal(secret, SEAL_BYTES);
  const tagSeal = createSeal(secret, TAG_BYTES);
  const markOf = (tag: string): string => tagSeal(tag).toString('base64url');
  /** Both ends in one order, whoever of them speaks; a later request with somebody else's From does not fit. */
  const sealOf = (request: SipRequest, rest: string): Buffer => {
    const ends = [fromOf(request).uriText, toOf(request).uriText].sort();
    return seal([callIdOf(request), ...ends, rest].join('\n'));
  };
  return {
    issue(request, ways) {
      const rest = `${markOf(fromOf(request).tag ?? '')}.${ways.caller}.${ways.callee}`;
      return `${sealOf(request, rest).toString('base64url')}.${rest}`;
    },
    read(token, request) {
      const dot = token.indexOf('.');
      const given = Buffer.from(token.slice(0, Math.max(dot, 0)), 'base64url');
      const rest = token.slice(dot + 1);
      if (given.length !== SEAL_BYTES || toOf(request).tag === undefined) return undefined;
      if (!timingSafeEqual(given, sealOf(request, rest))) return undefined;
      const [mark = '', caller = '', callee = ''] = rest.split('.');
      return { onward: mark === markOf(fromOf(request).tag ?? '') ? callee : caller };
    },
  };
}
