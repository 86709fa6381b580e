import type { SipError } from '../errors.ts';

export type SipTransport = 'UDP' | 'TCP' | 'TLS';

export interface SocketAddress {
  /** IP address, without brackets. */
  readonly address: string;
  readonly port: number;
}

/** A way to and from one peer: a connection, or a pair of UDP addresses (RFC 5626 2). */
export interface Flow {
  /** Unlike every other flow of the process. */
  readonly id: string;
  readonly transport: SipTransport;
  readonly isReliable: boolean;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** Names in the peer's certificate, once it is verified: `DNS:` and `URI:` names, and the subject's CN. */
  readonly peerNames: readonly string[];
  /** SHA-256 fingerprint of that certificate, as `AB:CD:…`; '' when there is none that is verified. */
  readonly peerFingerprint: string;
  readonly isOpen: boolean;
  /** @throws SipError `sip.unreachable` when it is closed, `sip.overloaded` when the peer reads too slowly */
  send(bytes: Buffer): void;
  /** Called once, when a connection ends; a UDP flow never does. */
  onClose(listener: (error: SipError) => void): Disposable;
}

/** The next hop as an address. */
export interface Hop {
  readonly transport: SipTransport;
  readonly address: string;
  readonly port: number;
  /** What the certificate of a TLS peer must name (RFC 5922): the domain that was looked for, not where SRV led. */
  readonly serverName?: string;
  /** UDP was not asked for, so that a message too large for it may go over TCP (RFC 3261 18.1.1). */
  readonly isTransportOpen?: boolean;
}

/** The port of a transport when none is told. */
export function defaultPort(transport: SipTransport): number {
  return transport === 'TLS' ? 5061 : 5060;
}

export function sipTransport(name: string): SipTransport | undefined {
  const upper = name.toUpperCase();
  return upper === 'UDP' || upper === 'TCP' || upper === 'TLS' ? upper : undefined;
}

/** `[::1]` as a host for a header field; IPv4 and names as they are. */
export function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** Without the brackets of an IPv6 reference. */
export function bareHost(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}

/** IPv4 as IPv4, also on a socket that takes both families. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}
