import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import forge from 'node-forge';
import { issueCertificate } from '../../src/platform/certificates.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { TlsMaterial } from '../../src/platform/https-listener.ts';
import type { XmlElement } from '../../src/xml/element.ts';
import { type Jid, parseJid, withResource } from '../../src/xmpp/jid.ts';
import { deriveScramKeys } from '../../src/xmpp/sasl/scram.ts';
import { createSaslServer, type SaslServerNeeds } from '../../src/xmpp/sasl/server-mechanisms.ts';
import type { NegotiationPolicy } from '../../src/xmpp/server/negotiation-types.ts';
import {
  type ServerStream,
  type ServerStreamOwner,
  type StreamEnd,
  serveStream,
} from '../../src/xmpp/server/server-stream.ts';
import { stanzaKindOf } from '../../src/xmpp/stanza.ts';
import type { ContentNamespace } from '../../src/xmpp/stream-header.ts';
import { smFeature } from '../../src/xmpp/stream-management.ts';
import { createTcpTransport } from '../../src/xmpp/tcp-transport.ts';
import { serverUpgrade } from '../../src/xmpp/tls-upgrade.ts';

export const PASSWORD = 'Imp-demo-1';

export interface TestCertificates {
  readonly ca: string;
  readonly server: TlsMaterial;
  /** Of the peer `peer.example`, for EXTERNAL. */
  readonly peer: TlsMaterial;
}

export async function testCertificates(): Promise<TestCertificates> {
  const ca = await issueCertificate({ names: [], clock: systemClock, days: 1 });
  const issuer = { key: forge.pki.privateKeyFromPem(ca.key), certificate: forge.pki.certificateFromPem(ca.cert) };
  const issue = (...names: readonly string[]) => issueCertificate({ names, issuer, clock: systemClock, days: 1 });
  return { ca: ca.cert, server: await issue('acme.example', 'localhost'), peer: await issue('peer.example') };
}

export interface LiveServerOptions {
  readonly certificates: TestCertificates;
  readonly tls?: 'direct' | 'starttls' | 'none';
  readonly mechanisms?: readonly (keyof SaslServerNeeds)[];
  readonly policy?: Partial<NegotiationPolicy>;
  readonly owner?: Partial<ServerStreamOwner>;
}

export interface LiveServer extends AsyncDisposable {
  readonly port: number;
  readonly heard: XmlElement[];
  readonly ends: StreamEnd[];
  readonly streams: ServerStream[];
}

/** A small true server: it signs users of acme.example in and sends every stanza back to its sender. */
export async function startLiveServer(options: LiveServerOptions): Promise<LiveServer> {
  const { certificates, tls = 'starttls' } = options;
  const heard: XmlElement[] = [];
  const ends: StreamEnd[] = [];
  const streams: ServerStream[] = [];
  const open = new Set<Socket>();
  const content: ContentNamespace = options.policy?.kind === 'server' ? 'jabber:server' : 'jabber:client';
  const alice = parseJid('alice@acme.example');
  const keys = {
    'SHA-1': await deriveScramKeys('SHA-1', PASSWORD, Buffer.alloc(16, 1), 4096),
    'SHA-256': await deriveScramKeys('SHA-256', PASSWORD, Buffer.alloc(16, 1), 4096),
  };
  const all = (stream: ServerStream): SaslServerNeeds => ({
    checkPassword: async (name, password) => (name === 'alice' && password === PASSWORD ? alice : undefined),
    scram: {
      findKeys: async (name, hash) => (name === 'alice' ? { user: alice, keys: keys[hash] } : undefined),
      disguise: { secret: Buffer.alloc(32), iterations: 4096 },
    },
    redeemToken: async (user, token) => user.bare === alice.bare && token === 't0ken',
    ...(stream.transport.peer?.isTrusted
      ? {
          certificateUser: async (wanted: Jid | null) =>
            wanted !== null && stream.transport.peer?.certificate.checkHost(wanted.domain) ? wanted : undefined,
        }
      : {}),
  });
  const owner: ServerStreamOwner = {
    sasl(stream) {
      const needs = Object.entries(all(stream)).filter(
        ([name]) => options.mechanisms?.includes(name as keyof SaslServerNeeds) ?? true,
      );
      return createSaslServer(Object.fromEntries(needs), stream.transport.bindings);
    },
    sessionFeatures: () => [smFeature],
    bind: async (user, resource) => withResource(user, resource ?? 'chosen'),
    established: () => undefined,
    stanza(element, stream) {
      heard.push(element);
      if (stanzaKindOf(element) !== undefined) stream.send(element);
    },
    management: () => undefined,
    closed: (end) => void ends.push(end),
    ...options.owner,
  };
  const secure = { ...certificates.server, ca: certificates.ca, requestCert: true, rejectUnauthorized: false };
  const upgrade = serverUpgrade(createTlsServer(secure));
  const accept = (socket: Socket): void => {
    open.add(socket);
    const transport = createTcpTransport(socket, {
      clock: systemClock,
      side: 'server',
      content,
      upgrade,
    });
    const policy = {
      kind: 'client',
      hosts: (domain: string) => domain === 'acme.example',
      offersTls: tls === 'starttls',
      requiresTls: tls !== 'none',
      maxFailures: 3,
      ...options.policy,
    } as const;
    streams.push(
      serveStream(transport, owner, { policy, clock: systemClock, negotiationMs: 5000, stanzaBytes: 262_144 }),
    );
  };
  const server = tls === 'direct' ? createTlsServer(secure, accept) : createServer(accept);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    ends,
    streams,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
