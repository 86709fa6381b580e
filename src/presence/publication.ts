import type { Pidf } from '../pidf/pidf.ts';

/** Event package of presence (RFC 3856); the Presence Datastore keeps others beside it. */
export const PRESENCE_EVENT = 'presence';

/** What one source says about a user. A row of the Presence Datastore, keyed by presentity, event and source. */
export interface Publication {
  /** Bare address (`user@domain`) in lower case. */
  readonly presentity: string;
  readonly event: string;
  /** Names the publisher among those of the presentity: `pws-override`, `xmpp/<resource>`, `phone/<device>` … */
  readonly source: string;
  /** An override replaces the composed state whatever the devices do. */
  readonly kind: 'client' | 'override';
  /** The client session that published it, by its id; '' when it is not bound to one. Ends with it. */
  readonly sessionId: string;
  readonly document: Pidf;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
}

/**
 * Makes one presence of what all sources of a user say.
 * @param presentity bare address; the answer's entity is `sip:` and this.
 */
export type Compose = (presentity: string, publications: readonly Publication[]) => Pidf;
