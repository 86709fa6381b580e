import type { XcpComponent } from '../components/component.ts';
import type { RouterPeer } from '../links/peers.ts';
import type { Session } from '../sessions/session.ts';

/** Where a stanza came from: there its error, or its answer, goes back. */
export type Origin =
  | { readonly kind: 'client'; readonly session: Session }
  | { readonly kind: 'component'; readonly component: XcpComponent }
  | { readonly kind: 'link'; readonly peer: RouterPeer }
  /** We made it ourselves, for a user or for the server: nobody waits for an error. */
  | { readonly kind: 'router' };

export const ROUTER: Origin = { kind: 'router' };
