import type { DatastoreDefinition } from '../../datastore/datastore.ts';
import type { Publication } from '../../presence/publication.ts';

const SEPARATOR = '\u001f';

/** Somebody watches somebody: the state of one subscription, whatever protocol it came by. */
export interface PresenceSubscription {
  /** Bare address (`user@domain`) in lower case. */
  readonly presentity: string;
  readonly event: string;
  /** Bare address in lower case. */
  readonly watcher: string;
  /** Names the subscription among those of the watcher: `pws/7`, a SIP dialog id … */
  readonly dialog: string;
}

export type PresenceIndex = 'presentity' | 'session';

/** Rows keyed by presentity, event and source. */
export function publicationDefinition(maxRows: number): DatastoreDefinition<Publication, PresenceIndex> {
  return {
    name: 'presence',
    maxRows,
    indexes: {
      presentity: ({ presentity, event }) => [indexOf.presentity(presentity, event)],
      session: ({ sessionId }) => (sessionId === '' ? [] : [sessionId]),
    },
  };
}

/** Rows keyed by presentity, watcher and dialog. */
export function subscriptionDefinition(
  maxRows: number,
): DatastoreDefinition<PresenceSubscription, 'presentity' | 'dialog'> {
  return {
    name: 'presence-subscription',
    maxRows,
    indexes: {
      presentity: ({ presentity, event }) => [indexOf.presentity(presentity, event)],
      dialog: ({ watcher, dialog }) => [indexOf.dialog(watcher, dialog)],
    },
  };
}

export const keyOf = {
  publication: (presentity: string, event: string, source: string): string =>
    [presentity, event, source].join(SEPARATOR),
  subscription: (presentity: string, watcher: string, dialog: string): string =>
    [presentity, watcher, dialog].join(SEPARATOR),
} as const;

export const indexOf = {
  presentity: (presentity: string, event: string): string => [presentity, event].join(SEPARATOR),
  dialog: (watcher: string, dialog: string): string => [watcher, dialog].join(SEPARATOR),
} as const;
