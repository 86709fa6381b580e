import type { TlsMaterial } from '../../platform/https-listener.ts';
import { DEFAULT_SIP_LIMITS, type SipLimits } from '../limits.ts';

/** Bounds of what comes in over connections. Times in milliseconds. */
export interface ConnectionLimits {
  readonly message: SipLimits;
  /** Bytes a second that one connection may send on average, and at once; more is read later. */
  readonly bytesPerSecond: number;
  readonly burstBytes: number;
  /** Connections that one address may hold open; those of exempt addresses are not counted. */
  readonly perAddress: number;
  readonly total: number;
  /** A connection without a byte in or out for so long is closed. */
  readonly idleMs: number;
  /** A message that has begun must be whole after this. */
  readonly messageMs: number;
  readonly connectMs: number;
  /** What waits for a peer that does not read: past the first reading from it pauses, past the second it is cut. */
  readonly pauseAboveBytes: number;
  readonly cutAboveBytes: number;
}

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = {
  message: DEFAULT_SIP_LIMITS,
  bytesPerSecond: 512 * 1024,
  burstBytes: 2 * 1024 * 1024,
  perAddress: 200,
  total: 20_000,
  idleMs: 30 * 60_000,
  messageMs: 30_000,
  connectMs: 5_000,
  pauseAboveBytes: 256 * 1024,
  cutAboveBytes: 4 * 1024 * 1024,
};

export type ClientCertificates = 'none' | 'requested' | 'required';

export interface SipTlsOptions extends TlsMaterial {
  /** PEM of the authorities that verify peers, servers that we connect to and clients alike. */
  readonly ca: string;
  /**
   * Whether clients must show a certificate that `ca` verifies. `requested`: they may; one that fails verification
   * gives no `peerNames` and no other right.
   */
  readonly clientCertificates: ClientCertificates;
}
