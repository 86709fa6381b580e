import { malformed, SipError } from '../errors.ts';
import type { NameAddr } from '../values/name-addr.ts';
import type { CSeq } from '../values/simple.ts';
import { parseUri, type Uri } from '../values/uri.ts';
import type { Via } from '../values/via.ts';
import type { Headers } from './headers.ts';

export interface SipRequest {
  readonly kind: 'request';
  /** Case matters (RFC 3261 7.1). */
  readonly method: string;
  /** The Request-URI as it came. */
  readonly uri: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

export interface SipResponse {
  readonly kind: 'response';
  /** 100 to 699. */
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

export type SipMessage = SipRequest | SipResponse;

export const NO_BODY: Buffer = Buffer.alloc(0);

/** Headers and `method` may not stand in a Request-URI (RFC 3261 19.1.1 table 1). @throws SipError `sip.malformed` */
export function requestUri(request: SipRequest): Uri {
  const uri = parseUri(request.uri);
  if (uri.kind === 'sip' && (uri.headers !== '' || uri.params.has('method'))) {
    throw malformed('Request-URI', 'headers or a method stand in it');
  }
  return uri;
}

/** The header fields that the parser has seen to: every parsed message has them. */
export function topVia(message: SipMessage): Via {
  return present(message.headers.get('via'), 'Via');
}

export function cseqOf(message: SipMessage): CSeq {
  return present(message.headers.get('cseq'), 'CSeq');
}

export function callIdOf(message: SipMessage): string {
  return present(message.headers.text('call-id'), 'Call-ID');
}

export function fromOf(message: SipMessage): NameAddr {
  return present(message.headers.get('from'), 'From');
}

export function toOf(message: SipMessage): NameAddr {
  return present(message.headers.get('to'), 'To');
}

function present<T>(value: T | undefined, name: string): T {
  if (value !== undefined) return value;
  throw new SipError('sip.malformed', `no ${name} header`, {
    answer: { status: 400, reason: `Missing ${name} header` },
  });
}
