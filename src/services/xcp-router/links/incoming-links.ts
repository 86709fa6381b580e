import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { Clock } from '../../../platform/clock.ts';
import { describeError, ImpError } from '../../../platform/errors.ts';
import type { TlsMaterial } from '../../../platform/https-listener.ts';
import type { Log } from '../../../platform/log.ts';
import {
  createSaslServer,
  createTcpTransport,
  jidOf,
  NS,
  readStanza,
  type ServerStream,
  type ServerStreamOwner,
  type Stanza,
  StreamError,
  serveStream,
  smAnswer,
  smEnabled,
  smFeature,
} from '../../../xmpp/xmpp.ts';
import { Inbox, type Pressure } from '../sessions/inbox.ts';
import { peerOfCertificate, type RouterPeer } from './peers.ts';

export interface IncomingLinksNeeds {
  readonly clock: Clock;
  readonly log: Log;
  readonly pressure: Pressure;
  readonly tls: () => TlsMaterial;
  readonly domain: string;
  readonly peers: () => Iterable<RouterPeer>;
  /** What came from another router; never rejects. */
  readonly received: (stanza: Stanza, from: RouterPeer) => Promise<void>;
}

export interface IncomingLinks {
  readonly port: number;
  readonly count: number;
  renew(tls: TlsMaterial): void;
  /** Links of peers that are known no more. */
  endOthers(known: ReadonlySet<string>): void;
  close(): Promise<void>;
}

interface Link {
  readonly peer: RouterPeer;
  readonly inbox: Inbox;
  handled: number;
}

const STANZA_BYTES = 1_048_576;
const NEGOTIATION_MS = 15_000;
const WRAP = 2 ** 32;

/** Accepts other routers: TLS with certificates on both sides, then a server stream (RFC 6120). @throws ImpError `listener.bind` */
export async function listenForLinks(host: string, port: number, needs: IncomingLinksNeeds): Promise<IncomingLinks> {
  const { clock, log } = needs;
  const links = new Map<ServerStream, Link>();
  const streams = new Set<ServerStream>();

  const accept = (socket: TLSSocket): void => {
    socket.setNoDelay(true);
    const transport = createTcpTransport(socket, { clock, side: 'server', content: NS.server });
    let peer: RouterPeer | undefined;
    const owner: ServerStreamOwner = {
      sasl: () =>
        createSaslServer({
          async certificateUser(wanted) {
            const certificate = transport.peer?.certificate;
            if (wanted === null || certificate === undefined) return undefined;
            peer = peerOfCertificate(needs.peers(), certificate, wanted.domain, clock.now());
            return peer === undefined ? undefined : jidOf(null, wanted.domain);
          },
        }),
      sessionFeatures: () => [smFeature],
      async bind() {
        throw new StreamError('policy-violation', 'a router has no resource');
      },
      established(_jid, _isResumed, stream) {
        if (peer === undefined) return;
        const inbox = new Inbox(needs.pressure, (isHeld) => (isHeld ? stream.pause() : stream.resume()));
        links.set(stream, { peer, inbox, handled: 0 });
        log.info({ peer: peer.key }, 'router link accepted');
      },
      stanza(element, stream) {
        const link = links.get(stream);
        link?.inbox.push(async () => {
          try {
            await needs.received(readStanza(element), link.peer);
          } catch (error) {
            log.debug({ peer: link.peer.key, err: describeError(error) }, 'a stanza of a router was dropped');
          }
          link.handled = (link.handled + 1) % WRAP;
        });
      },
      management(said, stream) {
        const link = links.get(stream);
        link?.inbox.push(() => {
          if (said.kind === 'enable') stream.send(smEnabled(null, null));
          else if (said.kind === 'request') stream.send(smAnswer(link.handled));
        });
      },
      closed(_end, stream) {
        links.delete(stream);
        streams.delete(stream);
      },
    };
    streams.add(
      serveStream(transport, owner, {
        policy: {
          kind: 'server',
          hosts: (domain) => domain === needs.domain,
          offersTls: false,
          requiresTls: true,
          maxFailures: 2,
        },
        clock,
        negotiationMs: NEGOTIATION_MS,
        stanzaBytes: STANZA_BYTES,
      }),
    );
  };

  // Whoever connects shows a certificate; which authority must have signed it depends on who it says it is.
  const server = createServer(
    {
      ...needs.tls(),
      minVersion: 'TLSv1.2',
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['xmpp-server'],
    },
    accept,
  );
  server.on('tlsClientError', (error) => log.debug({ err: error.message }, 'TLS with a router failed'));
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new ImpError('unavailable', 'listener.bind', `cannot listen on ${host} port ${port}`, { cause });
  }
  return {
    port: (server.address() as AddressInfo).port,
    get count() {
      return links.size;
    },
    renew: (tls) => server.setSecureContext({ ...tls }),
    endOthers(known) {
      for (const [stream, { peer }] of links) {
        if (!known.has(peer.key)) stream.end(new StreamError('not-authorized', 'no longer a peer'));
      }
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const stream of streams) stream.end(new StreamError('system-shutdown', 'the router is stopping'));
      await closed;
    },
  };
}
