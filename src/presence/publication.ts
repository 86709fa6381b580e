import type { Pidf } from '../pidf/pidf.ts';

/** Event package of presence (RFC 3856); the Presence Datastore keeps others beside it. */
export const PRESENCE_EVENT = 'presence';

/**
 * For sources that do not expire by themselves, but end with the node that publishes them (phones, XMPP resources): a
 * store shared by nodes must not keep what a node said that is gone, so it is said again in good time.
 */
export const STANDING_PUBLICATION = { lifeMs: 60 * 60_000, repeatMs: 20 * 60_000 } as const;

/**
 * Kinds of source; what each counts for is in docs/presence-composition.md. An override replaces the composed state
 * whatever the devices do; a client is one of an application.
 */
export type PublicationKind = 'override' | 'client' | 'sip' | 'xmpp' | 'phone' | 'calendar';

/**
 * What one source says about a user. A row of the Presence Datastore, keyed by presentity, event and source. It stands
 * for as long as it holds: a calendar entry is published when it begins, and expires when it ends.
 */
export interface Publication {
  /** Bare address (`user@domain`) in lower case. */
  readonly presentity: string;
  readonly event: string;
  /** Names the publisher among those of the presentity: `pws-override`, `sip:<id>`, `xmpp/<resource>`, `phone/<device>` … */
  readonly source: string;
  readonly kind: PublicationKind;
  /** The client session that published it, by its id; '' when it is not bound to one. Ends with it. */
  readonly sessionId: string;
  readonly document: Pidf;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
  /** Of what came by PUBLISH: the entity tag that the next one must name (RFC 3903). */
  readonly etag?: string;
  /** Of kind `xmpp`: RFC 6121 4.7.2.3, -128 to 127; absent: 0. */
  readonly priority?: number;
}

/**
 * Makes one presence of what all sources of a user say.
 * @param presentity bare address; the answer's entity is `sip:` and this.
 */
export type Compose = (presentity: string, publications: readonly Publication[]) => Pidf;
