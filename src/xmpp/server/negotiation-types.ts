import type { XmlElement } from '../../xml/element.ts';
import type { Jid } from '../jid.ts';
import type { SaslError } from '../sasl/sasl-error.ts';
import type { StanzaCondition, StanzaError } from '../stanza-error.ts';
import type { StreamError } from '../stream-error.ts';
import type { StreamHeader } from '../stream-header.ts';
import type { StreamManagementElement } from '../stream-management.ts';

/** What holds for every stream of a listener, and what is offered on this connection. */
export interface NegotiationPolicy {
  /** `server`: a link between servers or nodes, which is established once it is signed in. */
  readonly kind: 'client' | 'server';
  /** Whether streams may be opened to the domain, which has been prepared. */
  hosts(domain: string): boolean;
  /** STARTTLS can be had on this connection. */
  readonly offersTls: boolean;
  /** Nobody signs in without encryption. */
  readonly requiresTls: boolean;
  /** `mechanisms` and its kin; read anew for each stream, since what TLS brings changes them. */
  readonly saslFeatures: readonly XmlElement[];
  /** What is offered beside binding once the user is known: stream management, roster versions … */
  readonly sessionFeatures: readonly XmlElement[];
  /** After so many failures the stream is ended (RFC 6120 6.4.5). */
  readonly maxFailures: number;
}

export interface NegotiationState {
  readonly phase:
    | 'opening' // a header is awaited
    | 'negotiating' // features were sent
    | 'starting-tls'
    | 'signing-in' // an exchange of SASL is under way
    | 'binding' // the owner was asked for a resource
    | 'resuming' // the owner was asked for an earlier session
    | 'established'
    | 'ended';
  readonly isSecure: boolean;
  /** The domain that the stream was opened to. */
  readonly domain: string | null;
  /** Who signed in: a bare address. */
  readonly user: Jid | null;
  /** The full address, once there is a session. */
  readonly jid: Jid | null;
  readonly failures: number;
}

export type NegotiationEvent =
  | { readonly kind: 'opened'; readonly header: StreamHeader; readonly streamId: string }
  | { readonly kind: 'element'; readonly element: XmlElement }
  | { readonly kind: 'closed' }
  | { readonly kind: 'tls-started' }
  | { readonly kind: 'sasl-challenge'; readonly data: Buffer }
  | { readonly kind: 'sasl-success'; readonly user: Jid; readonly data: Buffer | null }
  | { readonly kind: 'sasl-failure'; readonly error: SaslError }
  | { readonly kind: 'bound'; readonly requestId: string; readonly jid: Jid }
  | { readonly kind: 'bind-refused'; readonly request: XmlElement; readonly error: StanzaError }
  | { readonly kind: 'resumed'; readonly id: string; readonly handled: number; readonly jid: Jid }
  | { readonly kind: 'resume-refused'; readonly condition: StanzaCondition; readonly handled: number | null }
  | { readonly kind: 'failed'; readonly error: StreamError };

/** What is to be done, in order. After `wait` nothing of the stream is read until the answer has come as an event. */
export type NegotiationEffect =
  | { readonly do: 'open'; readonly header: StreamHeader }
  | { readonly do: 'send'; readonly element: XmlElement }
  | { readonly do: 'restart' }
  | { readonly do: 'start-tls' }
  | { readonly do: 'sasl-begin'; readonly mechanism: string; readonly data: Buffer | null }
  | { readonly do: 'sasl-respond'; readonly data: Buffer }
  | { readonly do: 'bind'; readonly request: XmlElement; readonly user: Jid; readonly resource: string | null }
  | { readonly do: 'resume'; readonly user: Jid; readonly id: string; readonly handled: number }
  | { readonly do: 'established'; readonly jid: Jid; readonly isResumed: boolean }
  | { readonly do: 'stanza'; readonly element: XmlElement }
  | { readonly do: 'management'; readonly said: StreamManagementElement }
  | { readonly do: 'client-state'; readonly isActive: boolean }
  | { readonly do: 'end'; readonly error: StreamError | null };

export interface NegotiationStep {
  readonly state: NegotiationState;
  readonly effects: readonly NegotiationEffect[];
}
