import type { Socket } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { Clock } from '../../platform/clock.ts';
import { SipError } from '../errors.ts';
import { createStreamFramer } from '../message/framer.ts';
import type { SipMessage } from '../message/message.ts';
import type { SipParseError } from '../message/parse.ts';
import type { SipStatistics } from '../statistics.ts';
import { createByteRate } from './byte-rate.ts';
import { type Flow, plainAddress, type SocketAddress } from './flow.ts';
import type { ConnectionLimits } from './options.ts';

export interface ConnectionHandlers {
  readonly onMessage: (message: SipMessage, flow: Flow) => void;
  readonly onRefused: (error: SipParseError, flow: Flow) => void;
}

export interface ConnectionNeeds extends ConnectionHandlers {
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  readonly statistics: SipStatistics;
}

/** A TCP or TLS connection that is open. */
export interface Connection extends Flow {
  /** Closes it when it has been idle, or in the middle of a message, for too long; called now and then. */
  sweep(): void;
  /** Lets what is queued go out, then closes. */
  end(): void;
  destroy(error: SipError): void;
}

const PONG = Buffer.from('\r\n');
/** The last bytes may take so long to go out. */
const LINGER_MS = 2_000;

export function createConnection(
  socket: Socket | TLSSocket,
  transport: 'TCP' | 'TLS',
  id: string,
  needs: ConnectionNeeds,
): Connection {
  const { clock, limits, statistics } = needs;
  const framer = createStreamFramer(limits.message);
  const rate = createByteRate(clock, limits.bytesPerSecond, limits.burstBytes);
  const listeners = new Set<(error: SipError) => void>();
  const pauses = new Set<'rate' | 'queue'>();
  const local: SocketAddress = { address: plainAddress(socket.localAddress), port: socket.localPort ?? 0 };
  const remote: SocketAddress = { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 };
  const certificate = 'getPeerCertificate' in socket && socket.authorized ? socket.getPeerCertificate() : undefined;
  const peerNames = certificate ? namesOf(certificate) : [];
  const peerFingerprint = certificate?.fingerprint256 ?? '';
  let isOpen = true;
  let reason: SipError | undefined;
  let lastByteAt = clock.monotonic();
  let messageSince: number | undefined;
  let timer: Disposable | undefined;

  const pause = (why: 'rate' | 'queue'): void => {
    if (pauses.size === 0) {
      statistics.pauses += 1;
      socket.pause();
    }
    pauses.add(why);
  };
  const resume = (why: 'rate' | 'queue'): void => {
    if (pauses.delete(why) && pauses.size === 0) socket.resume();
  };

  const write = (bytes: Buffer): void => {
    if (!isOpen) throw reason ?? new SipError('sip.unreachable', 'the connection is closed');
    if (socket.writableLength + bytes.length > limits.cutAboveBytes) {
      const error = new SipError('sip.overloaded', `${remote.address}:${remote.port} does not read what it is sent`);
      destroy(error);
      throw error;
    }
    lastByteAt = clock.monotonic();
    socket.write(bytes);
    if (socket.writableLength > limits.pauseAboveBytes) pause('queue');
  };

  const destroy = (error: SipError): void => {
    reason ??= error;
    isOpen = false;
    socket.destroy();
  };

  const end = (): void => {
    isOpen = false;
    socket.destroySoon();
    timer?.[Symbol.dispose]();
    timer = clock.schedule(LINGER_MS, () => socket.destroy());
  };

  const flow: Connection = {
    id,
    transport,
    isReliable: true,
    local,
    remote,
    peerNames,
    peerFingerprint,
    get isOpen() {
      return isOpen;
    },
    send: write,
    onClose(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    sweep() {
      const now = clock.monotonic();
      if (messageSince !== undefined && now - messageSince > limits.messageMs && pauses.size === 0) {
        destroy(new SipError('sip.timeout', 'a message took too long'));
      } else if (now - lastByteAt > limits.idleMs) {
        statistics.connectionsClosedIdle += 1;
        end();
      }
    },
    end,
    destroy,
  };

  socket.on('data', (chunk: Buffer) => {
    lastByteAt = clock.monotonic();
    const waitMs = rate.take(chunk.length);
    if (waitMs > 0) {
      pause('rate');
      timer?.[Symbol.dispose]();
      timer = clock.schedule(waitMs, () => resume('rate'));
    }
    for (const frame of framer.write(chunk)) {
      if (!isOpen) return;
      if (frame.kind === 'message') needs.onMessage(frame.message, flow);
      else if (frame.kind === 'ping') write(PONG);
      else if (frame.kind !== 'pong') {
        needs.onRefused(frame.error, flow);
        if (frame.kind === 'broken') end();
      }
    }
    messageSince = framer.isInside ? (messageSince ?? lastByteAt) : undefined;
  });
  socket.on('drain', () => resume('queue'));
  // Said once more by 'close', which always follows.
  socket.on('error', (cause) => {
    reason ??= new SipError('sip.unreachable', `the connection with ${remote.address}:${remote.port} broke`, { cause });
  });
  socket.on('end', () => {
    isOpen = false;
  });
  socket.on('close', () => {
    isOpen = false;
    timer?.[Symbol.dispose]();
    const error = reason ?? new SipError('sip.unreachable', `${remote.address}:${remote.port} closed the connection`);
    const heard = [...listeners];
    listeners.clear();
    for (const listener of heard) listener(error);
  });
  return flow;
}

function namesOf(certificate: PeerCertificate): readonly string[] {
  const names = (certificate.subjectaltname ?? '').split(', ').filter((name) => /^(?:DNS|URI|IP Address):/.test(name));
  const { CN } = certificate.subject ?? {};
  return CN === undefined ? names : [...names, `CN:${[CN].flat().join(',')}`];
}
