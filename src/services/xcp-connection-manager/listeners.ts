import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { ImpError } from '../../platform/errors.ts';
import type { TlsMaterial } from '../../platform/https-listener.ts';
import { serverUpgrade, type TlsUpgrade } from '../../xmpp/xmpp.ts';

/** A connection that was accepted; `upgrade` where TLS is still to come (STARTTLS). */
export type OnConnection = (socket: Socket, upgrade: TlsUpgrade | undefined) => void;

export interface Listener {
  readonly port: number;
  renew(tls: TlsMaterial): void;
  /** Accepts no more; resolves when every connection is closed. */
  close(): Promise<void>;
}

/** TCP, encrypted by STARTTLS. @throws ImpError `listener.bind` */
export async function listenStartTls(
  host: string,
  port: number,
  tls: TlsMaterial,
  onConnection: OnConnection,
): Promise<Listener> {
  const secure = createTlsServer({ ...tls, minVersion: 'TLSv1.2' });
  const upgrade = serverUpgrade(secure);
  const server = createServer({ noDelay: true }, (socket) => onConnection(socket, upgrade));
  return await listen(server, secure, host, port);
}

/** TLS from the first byte on (XEP-0368). @throws ImpError `listener.bind` */
export async function listenTls(
  host: string,
  port: number,
  tls: TlsMaterial,
  onConnection: OnConnection,
): Promise<Listener> {
  const server = createTlsServer({ ...tls, minVersion: 'TLSv1.2', ALPNProtocols: ['xmpp-client'] }, (socket) => {
    socket.setNoDelay(true);
    onConnection(socket, undefined);
  });
  // A client that gives up on TLS is nobody's trouble but its own.
  server.on('tlsClientError', () => undefined);
  return await listen(server, server, host, port);
}

async function listen(server: Server, secure: TlsServer, host: string, port: number): Promise<Listener> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new ImpError('unavailable', 'listener.bind', `cannot listen on ${host} port ${port}`, { cause });
  }
  return {
    port: (server.address() as AddressInfo).port,
    renew: (tls) => secure.setSecureContext({ ...tls }),
    async close() {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
