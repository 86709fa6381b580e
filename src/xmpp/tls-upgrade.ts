import type { Socket } from 'node:net';
import { type ConnectionOptions, connect, type Server, type TLSSocket } from 'node:tls';

/** Puts TLS over a connection; resolves after the handshake, never when the connection closes before. */
export type TlsUpgrade = (socket: Socket) => Promise<TLSSocket>;

/** What went wrong with a connection is followed by `close`, which its transport hears. */
const ignore = (): void => undefined;

/**
 * The server's side, by a TLS server that listens nowhere: only such a one judges a client's certificate. Its options
 * are those of the listener; new certificates are given to it by `setSecureContext`.
 */
export function serverUpgrade(server: Server): TlsUpgrade {
  const waiting = new Map<string, (secure: TLSSocket) => void>();
  server.on('secureConnection', (secure) => {
    secure.on('error', ignore);
    waiting.get(nameOf(secure))?.(secure);
  });
  return (socket) =>
    new Promise((resolve) => {
      const name = nameOf(socket);
      waiting.set(name, resolve);
      socket.once('close', () => waiting.delete(name));
      server.emit('connection', socket);
    });
}

/** A TCP connection, told from every other that is open. */
function nameOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`;
}

/** The client's side. */
export function clientUpgrade(options: ConnectionOptions): TlsUpgrade {
  return (socket) =>
    new Promise((resolve, reject) => {
      const secure = connect({ ...options, socket }, () => resolve(secure));
      secure.once('error', reject);
    });
}
