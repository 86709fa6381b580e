import { createHash, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';

/** Ways to tie a sign-in to its TLS connection: RFC 9266, and RFC 5929 section 4. */
export type ChannelBindingType = 'tls-exporter' | 'tls-server-end-point';

/** The binding data of one connection, for the types that it has. */
export type ChannelBindings = ReadonlyMap<ChannelBindingType, Buffer>;

export const NO_CHANNEL_BINDINGS: ChannelBindings = new Map();

/** The bindings of a TLS connection after its handshake; `side` tells whose certificate is the server's. */
export function channelBindingsOf(socket: TLSSocket, side: 'server' | 'client'): ChannelBindings {
  const bindings = new Map<ChannelBindingType, Buffer>();
  // RFC 9266 4.2: before TLS 1.3 the exporter is unique only with an extension that Node does not tell of.
  if (socket.getProtocol() === 'TLSv1.3') {
    bindings.set('tls-exporter', socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)));
  }
  const certificate = side === 'server' ? socket.getX509Certificate() : socket.getPeerX509Certificate();
  const hash = certificate === undefined ? undefined : hashOfSignature(certificate);
  if (certificate !== undefined && hash !== undefined) {
    bindings.set('tls-server-end-point', createHash(hash).update(certificate.raw).digest());
  }
  return bindings;
}

/** RFC 5929 4.1: the hash of the certificate's own signature, SHA-256 for the weak ones; none for EdDSA. */
function hashOfSignature(certificate: X509Certificate): string | undefined {
  const name = certificate.signatureAlgorithm?.toLowerCase() ?? '';
  const found = /sha-?(1|224|256|384|512)/.exec(name)?.[1] ?? (name.includes('md5') ? '1' : undefined);
  if (found === undefined) return undefined;
  return found === '1' ? 'sha256' : `sha${found}`;
}
