import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv4, isIPv6 } from 'node:net';
import { SipError } from '../errors.ts';
import { type Flow, plainAddress, type SocketAddress } from './flow.ts';
import { answerBinding, isStun } from './stun.ts';

export interface UdpListener {
  readonly local: SocketAddress;
  flowTo(remote: SocketAddress): Flow;
  close(): Promise<void>;
}

export interface UdpOptions {
  readonly onDatagram: (bytes: Buffer, flow: Flow) => void;
  /** An error of the socket itself, after it was bound. */
  readonly onError: (error: Error) => void;
}

const BUFFER_BYTES = 4 * 1024 * 1024;

const NEVER: Disposable = { [Symbol.dispose]: () => undefined };

/** @throws SipError `sip.bind` naming address and port */
export async function openUdp(host: string, port: number, options: UdpOptions): Promise<UdpListener> {
  const isSix = isIPv6(host);
  const socket = createSocket({ type: isSix ? 'udp6' : 'udp4', recvBufferSize: BUFFER_BYTES });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => {
      reject(new SipError('sip.bind', `SIP cannot listen on UDP ${host}:${port}`, { cause }));
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve();
    });
  });
  socket.on('error', options.onError);
  const { address, port: bound } = socket.address();
  const local: SocketAddress = { address, port: bound };
  let isOpen = true;

  const flowTo = (remote: SocketAddress): Flow => ({
    id: `udp ${local.port} ${remote.address} ${remote.port}`,
    transport: 'UDP',
    isReliable: false,
    local,
    remote,
    peerNames: [],
    get isOpen() {
      return isOpen;
    },
    send(bytes) {
      if (!isOpen) throw new SipError('sip.unreachable', 'the UDP socket is closed');
      sendDatagram(socket, bytes, isSix ? mapped(remote) : remote, options.onError);
    },
    onClose: () => NEVER,
  });

  socket.on('message', (bytes: Buffer, from: RemoteInfo) => {
    const flow = flowTo({ address: plainAddress(from.address), port: from.port });
    if (isStun(bytes)) {
      const answer = answerBinding(bytes, flow.remote);
      if (answer !== undefined) flow.send(answer);
    } else options.onDatagram(bytes, flow);
  });
  return {
    local,
    flowTo,
    close() {
      isOpen = false;
      return new Promise((resolve) => socket.close(resolve));
    },
  };
}

/** What the kernel refuses (too large, no route) is told later than the call; timers of the transaction cover the loss. */
function sendDatagram(socket: Socket, bytes: Buffer, remote: SocketAddress, onError: (error: Error) => void): void {
  socket.send(bytes, remote.port, remote.address, (error) => {
    if (error !== null) onError(error);
  });
}

/** A socket for both families names IPv4 peers by mapped addresses. */
function mapped(remote: SocketAddress): SocketAddress {
  return isIPv4(remote.address) ? { address: `::ffff:${remote.address}`, port: remote.port } : remote;
}
