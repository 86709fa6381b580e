import type { Clock } from '../platform/clock.ts';
import { createFrameReader } from './frame-reader.ts';
import { webSocketFraming } from './framing.ts';
import { NO_CHANNEL_BINDINGS } from './sasl/channel-binding.ts';
import { StreamError } from './stream-error.ts';
import { DEFAULT_STREAM_LIMITS } from './stream-reader.ts';
import { DEFAULT_TRANSPORT_LIMITS, type Transport, type TransportLimits, type TransportListener } from './transport.ts';

/** What is needed of a WebSocket: the package `ws` has it. Its own limit of a message should be the stanza's. */
export interface WebSocketLike {
  readonly bufferedAmount: number;
  send(text: string, done: (error?: Error) => void): void;
  close(code?: number): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): unknown;
  on(event: 'close' | 'error', listener: () => void): unknown;
}

export interface WebSocketTransportOptions {
  readonly clock: Clock;
  readonly limits?: TransportLimits;
  /** Whether the HTTP server below speaks TLS, or a proxy in front of it does. */
  readonly isSecure: boolean;
}

/** More than this waiting is a slow peer. */
const HIGH_WATER_BYTES = 64 * 1024;

/** A stream over a WebSocket (RFC 7395). TLS belongs to the transport below; a sign-in cannot be tied to it. */
export function createWebSocketTransport(socket: WebSocketLike, options: WebSocketTransportOptions): Transport {
  const { clock, limits = DEFAULT_TRANSPORT_LIMITS } = options;
  let listener: TransportListener | undefined;
  let isGone = false;
  let isEnding = false;
  // Until somebody listens.
  let isPaused = true;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let bytesRead = 0;
  let drains: (() => void)[] = [];
  let farewell: Disposable | undefined;

  const reader = createFrameReader(
    {
      opened: (header) => listener?.opened(header),
      element: (element) => listener?.element(element),
      closed: () => listener?.closed(),
    },
    { ...DEFAULT_STREAM_LIMITS, stanzaBytes: limits.firstStanzaBytes },
  );

  const fail = (error: unknown): void => {
    isPaused = true;
    waiting = [];
    listener?.failed(error);
  };

  const readWaiting = (): void => {
    while (!isPaused && !isEnding && waiting.length > 0) {
      const frame = waiting.shift() as Buffer;
      waitingBytes -= frame.length;
      try {
        reader.push(frame.toString('utf8'));
      } catch (error) {
        fail(error);
      }
    }
  };

  const release = (): void => {
    if (!isGone && socket.bufferedAmount > HIGH_WATER_BYTES) return;
    const released = drains;
    drains = [];
    for (const resolve of released) resolve();
  };

  socket.on('message', (data, isBinary) => {
    if (isGone || isEnding) return;
    // RFC 7395 3.2: frames are text.
    if (isBinary) return fail(new StreamError('bad-format', 'frames are text'));
    bytesRead += data.length;
    waiting.push(data);
    waitingBytes += data.length;
    // `pause` of the socket is not immediate: what arrives meanwhile is bounded here.
    if (waitingBytes > limits.writeBytes)
      return fail(new StreamError('policy-violation', 'more was sent than can wait'));
    return readWaiting();
  });
  // What went wrong with a connection is followed by `close`.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (isGone) return;
    isGone = true;
    farewell?.[Symbol.dispose]();
    release();
    listener?.gone();
  });

  return {
    framing: webSocketFraming(),
    isSecure: options.isSecure,
    bindings: NO_CHANNEL_BINDINGS,
    peer: null,
    get bytesRead() {
      return bytesRead;
    },
    listen(given) {
      listener = given;
      isPaused = false;
      readWaiting();
    },
    send(text) {
      if (isGone || isEnding) return false;
      socket.send(text, release);
      if (socket.bufferedAmount > limits.writeBytes) {
        fail(new StreamError('resource-constraint', 'the other side does not read'));
        socket.terminate();
      }
      return socket.bufferedAmount <= HIGH_WATER_BYTES;
    },
    get isFull() {
      return socket.bufferedAmount > HIGH_WATER_BYTES;
    },
    whenDrained() {
      if (isGone || socket.bufferedAmount <= HIGH_WATER_BYTES) return Promise.resolve();
      return new Promise((resolve) => drains.push(resolve));
    },
    pause() {
      isPaused = true;
      socket.pause();
    },
    resume() {
      isPaused = false;
      readWaiting();
      if (!isGone && !isPaused) socket.resume();
    },
    restart: () => undefined,
    setLimit: (stanzaBytes) => reader.setLimit(stanzaBytes),
    startTls() {
      return Promise.reject(new StreamError('policy-violation', 'TLS belongs to the transport below'));
    },
    end(last) {
      if (isEnding || isGone) return;
      if (last !== undefined && last !== '') socket.send(last, () => undefined);
      isEnding = true;
      socket.close();
      farewell = clock.schedule(limits.patienceMs, () => socket.terminate());
    },
    destroy: () => socket.terminate(),
  };
}
