import type { X509Certificate } from 'node:crypto';
import type { Framing } from './framing.ts';
import type { ChannelBindings } from './sasl/channel-binding.ts';
import type { StreamListener } from './stream-reader.ts';

/** What a transport tells: the stream's own events, what went wrong with it, and that it is gone. */
export interface TransportListener extends StreamListener {
  /** The other side broke a rule of streams, or a listener threw; the transport reads no more. */
  failed(error: unknown): void;
  /** The connection is closed, by whomever. Called once. */
  gone(): void;
}

/** One connection that carries a stream: TCP with or without TLS, or a WebSocket. */
export interface Transport {
  readonly framing: Framing;
  readonly isSecure: boolean;
  /** What a sign-in can be tied to; known once TLS is up. */
  readonly bindings: ChannelBindings;
  /** The certificate that the other side showed, and whether one of our authorities vouches for it. */
  readonly peer: { readonly certificate: X509Certificate; readonly isTrusted: boolean } | null;
  /** So far, of the stream itself: for limits of a connection's rate. */
  readonly bytesRead: number;
  /** Begins to read. Once. */
  listen(listener: TransportListener): void;
  /** False when the other side is slow: whoever feeds it should wait for `whenDrained`. */
  send(text: string): boolean;
  readonly isFull: boolean;
  whenDrained(): Promise<void>;
  /** Stops reading before the next child of the stream, so that the other side must wait. */
  pause(): void;
  resume(): void;
  /** A new stream begins with what is read next. */
  restart(): void;
  /** Bytes that a stanza may have from now on. */
  setLimit(stanzaBytes: number): void;
  /** Encrypts the connection; paused before, and no byte may have been sent ahead. @throws ImpError */
  startTls(): Promise<void>;
  /** Sends what waits and `last`, and closes; what does not close by itself within a while is cut. */
  end(last?: string): void;
  destroy(): void;
}

/** Bounds of a connection. */
export interface TransportLimits {
  /** Before somebody signed in; afterwards the owner says more by `setLimit`. */
  readonly firstStanzaBytes: number;
  /** That wait for a peer that does not read. */
  readonly writeBytes: number;
  /** For TLS to come up, and for a connection to close. */
  readonly patienceMs: number;
}

export const DEFAULT_TRANSPORT_LIMITS: TransportLimits = {
  firstStanzaBytes: 16 * 1024,
  writeBytes: 4 * 1024 * 1024,
  patienceMs: 10_000,
};
