import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from 'node:dgram';
import { lookup } from 'node:dns';
import { isIP, isIPv4, isIPv6 } from 'node:net';
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

const NOBODY: readonly string[] = [];
const NEVER: Disposable = { [Symbol.dispose]: () => undefined };

/** @throws SipError `sip.bind` naming address and port */
export async function openUdp(host: string, port: number, options: UdpOptions): Promise<UdpListener> {
  const isSix = isIPv6(host);
  const socket = createSocket({ type: isSix ? 'udp6' : 'udp4', recvBufferSize: BUFFER_BYTES, lookup: lookupDirectly });
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
  const state: UdpState = {
    local,
    isOpen: true,
    send: (bytes, remote) => sendDatagram(socket, bytes, isSix ? mapped(remote) : remote, options.onError),
  };
  const flowTo = (remote: SocketAddress): Flow => new UdpFlow(state, remote);

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
      state.isOpen = false;
      return new Promise((resolve) => socket.close(resolve));
    },
  };
}

/** What we send to is an address already: the resolver would only make each datagram wait for the next turn. */
const lookupDirectly: NonNullable<SocketOptions['lookup']> = (name, options, callback) => {
  const family = isIP(name);
  if (family === 0) lookup(name, options, (error, address, found) => callback(error, address, found));
  else callback(null, name, family);
};

interface UdpState {
  readonly local: SocketAddress;
  isOpen: boolean;
  readonly send: (bytes: Buffer, remote: SocketAddress) => void;
}

/** A class, since there is one for each datagram, and one is kept for each answer that may be asked for again. */
class UdpFlow implements Flow {
  readonly transport = 'UDP';
  readonly isReliable = false;
  readonly peerNames: readonly string[] = NOBODY;
  readonly peerFingerprint = '';
  readonly remote: SocketAddress;
  readonly #state: UdpState;

  constructor(state: UdpState, remote: SocketAddress) {
    this.#state = state;
    this.remote = remote;
  }

  get id(): string {
    return `udp ${this.local.port} ${this.remote.address} ${this.remote.port}`;
  }

  get local(): SocketAddress {
    return this.#state.local;
  }

  get isOpen(): boolean {
    return this.#state.isOpen;
  }

  send(bytes: Buffer): void {
    if (!this.isOpen) throw new SipError('sip.unreachable', 'the UDP socket is closed');
    this.#state.send(bytes, this.remote);
  }

  onClose(): Disposable {
    return NEVER;
  }
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
