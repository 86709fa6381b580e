import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/**
 * Whether a server's certificate is one of the SIP domain that was looked for (RFC 5922 7.1): a `sip:` URI in it names
 * the domain, or, where it has no such URI, a DNS name (or address) does as for any other TLS server.
 */
export function checkSipIdentity(domain: string, certificate: PeerCertificate): Error | undefined {
  const uris = (certificate.subjectaltname ?? '')
    .split(', ')
    .filter((name) => /^URI:sips?:/i.test(name))
    .map((name) => name.replace(/^URI:sips?:/i, '').toLowerCase());
  if (uris.length === 0) return checkServerIdentity(domain, certificate);
  return uris.includes(domain.toLowerCase()) ? undefined : checkServerIdentity(domain, certificate);
}
