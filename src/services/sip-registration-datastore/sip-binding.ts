import type { DatastoreDefinition } from '../../datastore/datastore.ts';

/** One way to a user: what a SIP client has registered (RFC 3261 10). */
export interface SipBinding {
  /** `user@domain` in lower case: whose it is. */
  readonly address: string;
  /** The contact's URI as the client wrote it. */
  readonly contact: string;
  /** `+sip.instance` with `reg-id` (RFC 5626), which name a binding whatever its contact; null: the contact does. */
  readonly outbound: { readonly instance: string; readonly regId: number } | null;
  /** Parameters of the contact that go back to the client as they came, `q` and `expires` not among them. */
  readonly params: Readonly<Record<string, string>>;
  /** 0 to 1000; 1000 is preferred. */
  readonly q: number;
  readonly callId: string;
  readonly cseq: number;
  /** Milliseconds since the epoch. */
  readonly registeredAt: number;
  readonly expiresAt: number;
  /** Values of Path, the topmost first (RFC 3327). */
  readonly path: readonly string[];
  /** The way it was registered over, good at the node that holds it. */
  readonly flow: string | null;
  /** Requests go over `flow`, not to the contact's own address. */
  readonly isBehindFlow: boolean;
  /** The node that took the registration. */
  readonly node: string;
  readonly userAgent: string;
}

export type SipBindingIndex = 'address' | 'node';

/** Name of a binding among all: its user, and its contact or its instance and flow. */
export function keyOfBinding({ address, contact, outbound }: SipBinding): string {
  return `${address}\u001f${outbound === null ? contact : `${outbound.instance}\u001f${outbound.regId}`}`;
}

export function bindingDefinition(maxRows: number): DatastoreDefinition<SipBinding, SipBindingIndex> {
  return {
    name: 'sip-registration',
    indexes: { address: ({ address }) => [address], node: ({ node }) => [node] },
    maxRows,
  };
}
