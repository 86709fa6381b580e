import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SyslogOptions } from './options.ts';

/** Sends whole messages; rejects when one was not taken. */
export interface SyslogSender extends Disposable {
  readonly target: string;
  send(message: string, signal: AbortSignal): Promise<void>;
}

const PORTS = { udp: 514, tcp: 601, tls: 6514 } as const;
const CONNECT_MS = 10_000;

export function createSyslogSender(options: SyslogOptions, ca: string | undefined): SyslogSender {
  const { host, transport } = options;
  const port = options.port ?? PORTS[transport];
  const target = `syslog ${transport} ${host}:${port}`;
  return transport === 'udp'
    ? createUdpSender(host, port, target)
    : createStreamSender({ host, port, target, ca, transport });
}

/** RFC 5426: a datagram a message. Nobody says whether it arrived. */
function createUdpSender(host: string, port: number, target: string): SyslogSender {
  return {
    target,
    async send(message) {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      try {
        await new Promise<void>((resolve, reject) => {
          socket.once('error', reject);
          socket.send(message, port, host, (error) => (error ? reject(error) : resolve()));
        });
      } finally {
        socket.close();
      }
    },
    [Symbol.dispose]: () => undefined,
  };
}

/** RFC 6587 3.4.1, RFC 5425 4.3: each message with its length before it, on one connection. */
function createStreamSender(to: {
  readonly host: string;
  readonly port: number;
  readonly target: string;
  readonly ca: string | undefined;
  readonly transport: 'tcp' | 'tls';
}): SyslogSender {
  let socket: Socket | undefined;

  const open = async (signal: AbortSignal): Promise<Socket> => {
    if (socket && !socket.destroyed && socket.writable) return socket;
    const { host, port, ca, transport } = to;
    const made =
      transport === 'tcp'
        ? connectTcp({ host, port })
        : connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...(ca !== undefined && { ca }) });
    try {
      const patience = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
      await once(made, transport === 'tcp' ? 'connect' : 'secureConnect', { signal: patience });
    } catch (error) {
      made.destroy();
      throw error;
    }
    // A server that goes away is seen here; the next message opens a new connection.
    made.on('error', () => made.destroy());
    made.on('end', () => made.destroy());
    made.resume();
    made.unref();
    socket = made;
    return made;
  };

  return {
    target: to.target,
    async send(message, signal) {
      const connection = await open(signal);
      await new Promise<void>((resolve, reject) => {
        connection.write(`${Buffer.byteLength(message)} ${message}`, (error) => (error ? reject(error) : resolve()));
      });
    },
    [Symbol.dispose]: () => void socket?.destroy(),
  };
}
