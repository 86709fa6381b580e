import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { Clock } from '../../platform/clock.ts';
import { domainForDns } from '../domain.ts';
import { XmppError } from '../errors.ts';
import type { ContentNamespace } from '../stream-header.ts';
import { createTcpTransport } from '../tcp-transport.ts';
import { clientUpgrade } from '../tls-upgrade.ts';
import type { Transport, TransportLimits } from '../transport.ts';

export interface ConnectOptions {
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
  /** The domain that the other side speaks for: what its certificate must name (RFC 6120 13.7.2). */
  readonly domain: string;
  /** TLS from the first byte (XEP-0368), or STARTTLS where the stream offers it. */
  readonly tls: 'direct' | 'starttls';
  /** Authorities, our own certificate, or another `servername`; the peer is always verified. */
  readonly secureOptions?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername' | 'checkServerIdentity'>;
  readonly content?: ContentNamespace;
  readonly limits?: TransportLimits;
  readonly signal?: AbortSignal;
}

/** Opens a connection that a client stream can be opened on. @throws XmppError `xmpp.connection` */
export async function connectTransport(options: ConnectOptions): Promise<Transport> {
  const { host, port, content, limits } = options;
  const secure: ConnectionOptions = {
    minVersion: 'TLSv1.2',
    servername: domainForDns(options.domain),
    ...options.secureOptions,
    rejectUnauthorized: true,
  };
  const socket =
    options.tls === 'direct'
      ? await opened(connectTls({ ...secure, host, port, ALPNProtocols: [alpnOf(content)] }), 'secureConnect', options)
      : await opened(connectTcp({ host, port }), 'connect', options);
  socket.setNoDelay(true);
  return createTcpTransport(socket, {
    clock: options.clock,
    side: 'client',
    ...(content === undefined ? {} : { content }),
    ...(limits === undefined ? {} : { limits }),
    upgrade: clientUpgrade(secure),
  });
}

/** XEP-0368 section 4. */
function alpnOf(content: ContentNamespace | undefined): string {
  return content === 'jabber:server' ? 'xmpp-server' : 'xmpp-client';
}

function opened<T extends Socket | TLSSocket>(
  socket: T,
  event: string,
  { host, port, signal }: ConnectOptions,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => void socket.destroy(signal?.reason);
    const fail = (cause: unknown): void => {
      signal?.removeEventListener('abort', onAbort);
      reject(new XmppError('xmpp.connection', `no connection to ${host}:${port}`, { cause }));
    };
    socket.once('error', fail);
    socket.once(event, () => {
      socket.removeListener('error', fail);
      signal?.removeEventListener('abort', onAbort);
      resolve(socket);
    });
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}
