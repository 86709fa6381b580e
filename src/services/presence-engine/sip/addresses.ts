import { fromOf, type SipRequest } from '../../../sip/message/message.ts';
import { decodeEscapes, type Uri } from '../../../sip/values/uri.ts';

/** The bare address (`user@domain`, lower case) that a `sip:`, `sips:`, `pres:` or `im:` URI names; undefined when none. */
export function addressOfUri(uri: Uri): string | undefined {
  if (uri.kind === 'sip') return uri.user === undefined ? undefined : lower(`${decodeEscapes(uri.user)}@${uri.host}`);
  if (uri.scheme !== 'pres' && uri.scheme !== 'im') return undefined;
  const address = decodeEscapes(uri.opaque.split('?')[0] ?? '');
  return /^[^@]+@[^@]+$/.test(address) ? lower(address) : undefined;
}

/**
 * Who speaks: the identity that the proxy vouches for (RFC 3325), else From. The proxy has authenticated it; that is why
 * only trusted proxies are listened to.
 */
export function speakerOf(request: SipRequest): string | undefined {
  const asserted = request.headers.list('p-asserted-identity').find(({ uri }) => uri.kind === 'sip');
  return addressOfUri((asserted ?? fromOf(request)).uri);
}

/** Our Contact, as the peer reaches us over the transport that its request came by. */
export function contactOf(sentBy: string, transport: string): string {
  return `<sip:presence@${sentBy}${transport === 'UDP' ? '' : `;transport=${transport.toLowerCase()}`}>`;
}

function lower(address: string): string {
  return address.toLowerCase();
}
