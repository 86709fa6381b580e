import { fromOf, type SipRequest } from '../../../sip/message/message.ts';
import type { NameAddr } from '../../../sip/values/name-addr.ts';
import { decodeEscapes } from '../../../sip/values/uri.ts';

/**
 * `user@domain` in lower case of the user who signs in: whom the trusted server asserts (RFC 3325), else From. Null when
 * neither is a SIP address with a user.
 */
export function identityOf(request: SipRequest): string | null {
  const asserted = request.headers.list('p-asserted-identity').map(addressIn);
  return asserted.find((address) => address !== null) ?? addressIn(fromOf(request));
}

function addressIn({ uri }: NameAddr): string | null {
  if (uri.kind !== 'sip' || uri.user === undefined) return null;
  return `${decodeEscapes(uri.user)}@${uri.host}`.toLowerCase();
}
