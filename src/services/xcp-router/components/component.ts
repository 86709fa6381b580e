import type { XmlElement } from '../../../xml/element.ts';
import type { Iq, Jid, Message, Stanza } from '../../../xmpp/xmpp.ts';

/**
 * The seams of the router for other XCP services (docs/services/xcp-router.md). All that passes is stanzas and plain
 * data, so that the same can be said over a link between nodes.
 */

/** A service that answers for domains of its own, or for all that are not ours. */
export interface XcpComponent {
  /** The service's folder name. */
  readonly name: string;
  /** Prepared domains (RFC 7622) that are its own: `conference.acme.example`. */
  readonly domains: readonly string[];
  /** Takes every stanza for a domain that is neither ours nor a component's: federation. One component may. */
  readonly takesForeignDomains?: boolean;
  /** Says what its domains are called where the server's items are listed (XEP-0030); absent: not listed. */
  readonly itemName?: string;
  /**
   * A stanza for one of its domains. The sender's next stanza waits for it, which is how a component holds others back;
   * it keeps what takes long out of it. What it throws goes back to the sender as a stanza error (`toStanzaError`).
   */
  deliver(stanza: Stanza): void | Promise<void>;
}

/** A component's side of its attachment; disposing detaches it. */
export interface XcpAttachment extends Disposable {
  /**
   * Routes a stanza of the component; `from` must be of one of its domains (of any for federation) and `to` be there.
   * An error that this causes comes back by `deliver`; resolves when the stanza has left our hands.
   * @throws ImpError `xcp-router.not-yours`; kind `unavailable` while the router is stopped
   */
  send(element: XmlElement): Promise<void>;
}

/** A message on its way, as everybody sees it who has to: before it is delivered, stored or acknowledged. */
export interface SeenMessage {
  readonly message: Message;
  readonly from: Jid;
  readonly to: Jid;
  /** Where it came in. */
  readonly origin: 'client' | 'component' | 'federation' | 'link';
}

export type IqTarget =
  | 'server' // addressed to one of our domains
  | 'account'; // addressed to a user's bare address, or to nobody

/** A request that is answered in the server's or the account's name. */
export interface IqRequest {
  readonly iq: Iq;
  readonly from: Jid;
  readonly payload: XmlElement;
  /** Whose account it is; undefined with target `server`. */
  readonly owner: LocalUser | undefined;
  /** The account's own user asks. */
  readonly isOwn: boolean;
}

/** Answers requests by the namespace of their payload. */
export interface IqHandler {
  readonly target: IqTarget;
  readonly namespace: string;
  /** Absent: any element of the namespace. */
  readonly local?: string;
  readonly type: 'get' | 'set' | 'both';
  /** Whether others may ask an account; else they are refused. */
  readonly isForOthers?: boolean;
  /** What stands in the result; null for an empty one. What it throws is the error of the answer. */
  handle(request: IqRequest): XmlElement | null | Promise<XmlElement | null>;
}

/** A user served by this node. */
export interface LocalUser {
  /** Key in the IDS; of an XMPP administrator that CUCM does not know, `xmpp-administrator:` and the localpart. */
  readonly pkid: string;
  readonly userid: string;
  /** Bare address on the wire. */
  readonly jid: Jid;
  /** `user@domain` in lower case, as the Presence Datastore and the contact lists know it. */
  readonly address: string;
}

/** Becomes available, or ceases to be; told after it was. */
export interface SessionEvent {
  readonly kind: 'available' | 'unavailable';
  readonly user: LocalUser;
  /** The full address. */
  readonly jid: Jid;
}

/** What a service adds to the router itself, rather than at a domain of its own. */
export interface XcpExtension {
  /** The service's folder name. */
  readonly name: string;
  /** Features of the server and of accounts for service discovery. */
  readonly features?: { readonly server?: readonly string[]; readonly account?: readonly string[] };
  readonly requests?: readonly IqHandler[];
  /**
   * Sees every message before it goes on: the sender's next stanza, and the acknowledgement of this one, wait until it
   * has resolved. What it throws refuses the message, and goes back to the sender.
   */
  onMessage?(seen: SeenMessage): void | Promise<void>;
  onSession?(event: SessionEvent): void;
}
