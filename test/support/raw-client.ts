import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';

/** Where raw octets go, and from which of this machine's addresses. */
export interface RawTarget {
  readonly port: number;
  /** Trusts the node; made once, as it costs more than a handshake. */
  readonly secureContext: SecureContext;
  /** Any of 127.0.0.0/8: the other side counts it as a client of its own. */
  readonly localAddress: string;
}

/** A TCP connection, without a word of TLS. */
export async function openTcp({ port, localAddress }: RawTarget): Promise<Socket> {
  const socket = connectTcp({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** A TLS connection; undefined when the other side cut it before the handshake was done. */
export async function openTls(target: RawTarget): Promise<Socket | undefined> {
  const socket = connectTcp({ port: target.port, host: '127.0.0.1', localAddress: target.localAddress });
  const secure = connectTls({ socket, secureContext: target.secureContext, host: '127.0.0.1' });
  return await new Promise((resolve) => {
    for (const each of [socket, secure]) {
      each.on('error', () => resolve(undefined));
      each.on('close', () => resolve(undefined));
    }
    secure.on('secureConnect', () => resolve(secure));
  });
}

/** Everything that comes until the connection is closed; a cut is an end like any other. */
export async function readToEnd(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.resume();
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

/** Sends octets over TLS and reads until the other side closes. */
export async function exchange(target: RawTarget, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = await openTls(target);
  if (!socket) return '';
  const said = readToEnd(socket);
  for (const part of parts) if (!socket.destroyed) socket.write(part);
  return await said;
}
