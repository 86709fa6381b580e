import type { DatastoreDefinition, RowOwner } from '../../datastore/datastore.ts';

export type UserKind = 'enduser' | 'applicationuser';

/** A signed-in client. What a row of the store holds: the key itself is nowhere in it. */
export interface ClientSession {
  /** Digest of the session key: names the session where the key must not appear. */
  readonly id: string;
  /** The slot that it fills (`slotOf`). */
  readonly slot: string;
  readonly kind: UserKind;
  /** Key of the user in the IDS. */
  readonly userPkid: string;
  readonly userid: string;
  /** `CUPC`, `thirdpartyapp`, `thirdclient` …; '' when the client did not say. */
  readonly clientType: string;
  readonly clientVersion: string;
  /** For an end user signed in by an application: `id` of the application's session, and the key of its user. */
  readonly owner: { readonly sessionId: string; readonly userPkid: string } | null;
  /** The node that opened it, or last gave its key out again. */
  readonly servedBy: RowOwner;
  /** `enterprisenode.id` of the end user when the session was opened: moved users sign in anew. */
  readonly homeNodeId: number | null;
  /** Keyed digest of the password it was opened with; null when none was given. Tells a changed password. */
  readonly passwordTag: string | null;
  /** What the session key is derived from, together with the slot and the store's secret. */
  readonly nonce: string;
  /** Milliseconds since the epoch. */
  readonly openedAt: number;
}

/** Client types whose keys open the Presence Web Service too; a Jabber key does not. */
const SHARED_CLIENT_TYPES: readonly string[] = ['thirdpartyapp', 'thirdclient'];

/** Whether the session's key is good at the Presence Web Service as well as at the Client Profile Agent. */
export function isSharedSession(session: Pick<ClientSession, 'clientType'>): boolean {
  return SHARED_CLIENT_TYPES.includes(session.clientType.toLowerCase());
}

export interface SlotParts {
  readonly kind: UserKind;
  readonly userPkid: string;
  readonly clientType: string;
  readonly ownerUserPkid: string | null;
}

/** A session belongs to (user, kind, client type, application user): signing in again meets the same slot. */
export function slotOf(parts: SlotParts): string {
  return [parts.kind, parts.userPkid, parts.clientType.toLowerCase(), parts.ownerUserPkid ?? ''].join('\u001f');
}

export function userIndexOf(kind: UserKind, userPkid: string): string {
  return `${kind}\u001f${userPkid}`;
}

export type SessionIndex = 'id' | 'user' | 'owner';

/** Rows are keyed by slot, so that one atomic put decides between two log-ins of the same slot. */
export function sessionDefinition(maxRows: number): DatastoreDefinition<ClientSession, SessionIndex> {
  return {
    name: 'login',
    maxRows,
    indexes: {
      id: (session) => [session.id],
      user: (session) => [userIndexOf(session.kind, session.userPkid)],
      owner: (session) => (session.owner ? [session.owner.sessionId] : []),
    },
  };
}

/** A one-time password of the XMPP sign-in; the row's key is its digest. */
export interface OneTimeToken {
  readonly sessionId: string;
  readonly userPkid: string;
  readonly userid: string;
  /** The node that gave it out. */
  readonly servedBy: RowOwner;
}

export function tokenDefinition(maxRows: number): DatastoreDefinition<OneTimeToken, 'session'> {
  return { name: 'login-token', maxRows, indexes: { session: (token) => [token.sessionId] } };
}
