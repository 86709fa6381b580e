import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../platform/clock.ts';
import { XmppError } from './errors.ts';
import { tcpFraming } from './framing.ts';
import { NS } from './namespaces.ts';
import { type ChannelBindings, channelBindingsOf, NO_CHANNEL_BINDINGS } from './sasl/channel-binding.ts';
import { StreamError } from './stream-error.ts';
import type { ContentNamespace } from './stream-header.ts';
import { createStreamReader, DEFAULT_STREAM_LIMITS } from './stream-reader.ts';
import { createStreamWriter, type StreamWriter } from './stream-writer.ts';
import type { TlsUpgrade } from './tls-upgrade.ts';
import { DEFAULT_TRANSPORT_LIMITS, type Transport, type TransportLimits, type TransportListener } from './transport.ts';

export interface TcpTransportOptions {
  readonly clock: Clock;
  readonly side: 'server' | 'client';
  readonly content?: ContentNamespace;
  readonly limits?: TransportLimits;
  /** How STARTTLS is done; absent where it is not. */
  readonly upgrade?: TlsUpgrade;
}

/** A stream over TCP, or over TLS that is up already. */
export function createTcpTransport(first: Socket, options: TcpTransportOptions): Transport {
  const { clock, side, content = NS.client, limits = DEFAULT_TRANSPORT_LIMITS } = options;
  let socket = first;
  let listener: TransportListener | undefined;
  let isGone = false;
  let isEnding = false;
  let isPaused = false;
  let bytesRead = 0;
  let bindings: ChannelBindings = first instanceof TLSSocket ? channelBindingsOf(first, side) : NO_CHANNEL_BINDINGS;
  let writer = newWriter();
  let farewell: Disposable | undefined;

  const reader = createStreamReader(
    {
      opened: (header) => listener?.opened(header),
      element: (element) => listener?.element(element),
      closed: () => listener?.closed(),
    },
    { ...DEFAULT_STREAM_LIMITS, stanzaBytes: limits.firstStanzaBytes },
    content,
  );

  function newWriter(): StreamWriter {
    return createStreamWriter(socket, {
      maxBytes: limits.writeBytes,
      onOverflow() {
        listener?.failed(new StreamError('resource-constraint', 'the other side does not read'));
        socket.destroy();
      },
    });
  }

  const guarded = (work: () => void): void => {
    if (isGone || isEnding) return;
    try {
      work();
    } catch (error) {
      isPaused = true;
      reader.pause();
      listener?.failed(error);
    }
  };
  const onData = (bytes: Buffer): void => {
    bytesRead += bytes.length;
    guarded(() => reader.push(bytes));
  };
  const onGone = (): void => {
    if (isGone) return;
    isGone = true;
    farewell?.[Symbol.dispose]();
    listener?.gone();
  };
  // What went wrong with a connection is followed by `close`, and then nobody is left to tell it to.
  const onError = (): void => undefined;
  const onEnd = (): void => {
    // The other side has finished without a word: there is no stream any more to say anything on.
    if (!isEnding) socket.end();
  };

  const follow = (): void => {
    socket.on('data', onData);
    socket.on('end', onEnd);
  };

  first.on('error', onError);
  first.on('close', onGone);

  return {
    framing: tcpFraming(content),
    get isSecure() {
      return socket instanceof TLSSocket;
    },
    get bindings() {
      return bindings;
    },
    get peer() {
      const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
      if (certificate === undefined) return null;
      return { certificate, isTrusted: (socket as TLSSocket).authorized };
    },
    get bytesRead() {
      return bytesRead;
    },
    listen(given) {
      listener = given;
      follow();
    },
    send: (text) => writer.write(text),
    get isFull() {
      return writer.isFull;
    },
    whenDrained: () => writer.whenDrained(),
    pause() {
      isPaused = true;
      reader.pause();
      socket.pause();
    },
    resume() {
      isPaused = false;
      guarded(() => reader.resume());
      // A listener may have stopped the stream again.
      if (!isGone && !isPaused) socket.resume();
    },
    restart: () => reader.restart(),
    setLimit: (stanzaBytes) => reader.setLimit(stanzaBytes),
    async startTls() {
      if (options.upgrade === undefined || socket instanceof TLSSocket) {
        throw new StreamError('policy-violation', 'TLS is not to be had here');
      }
      // RFC 6120 5.4.3.3: what came in the clear before TLS was up is not of the encrypted stream.
      if (reader.hasPending) throw new StreamError('policy-violation', 'bytes were sent ahead of TLS');
      writer.flush();
      socket.removeListener('data', onData);
      socket.removeListener('end', onEnd);
      const secure = await handshake(options.upgrade, first, clock, limits.patienceMs);
      secure.on('error', onError);
      socket = secure;
      bindings = channelBindingsOf(secure, side);
      writer = newWriter();
      reader.restart();
      follow();
      secure.on('close', onGone);
    },
    end(last) {
      if (isEnding || isGone) return;
      isEnding = true;
      writer.end(last);
      // Whatever still arrives is read away, so that the close can be seen.
      socket.resume();
      farewell = clock.schedule(limits.patienceMs, () => socket.destroy());
    },
    destroy: () => void socket.destroy(),
  };
}

function handshake(upgrade: TlsUpgrade, socket: Socket, clock: Clock, patienceMs: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      timer[Symbol.dispose]();
      socket.removeListener('close', onClose);
      finish();
    };
    const fail = (why: string, cause?: unknown): void =>
      settle(() => {
        socket.destroy();
        reject(new XmppError('xmpp.connection', why, cause === undefined ? undefined : { cause }));
      });
    const onClose = (): void => fail('the connection closed while TLS was coming up');
    const timer = clock.schedule(patienceMs, () => fail('TLS did not come up in time'));
    socket.once('close', onClose);
    upgrade(socket).then(
      (secure) => settle(() => resolve(secure)),
      (error) => fail('TLS failed', error),
    );
  });
}
