import type { Dialog } from '../../../sip/dialog/dialog.ts';
import type { Parameterised } from '../../../sip/values/simple.ts';
import type { WatcherEntry } from './watcher-list.ts';

/**
 * What is watched: one user, the watcher's contact list, a list that the watcher has sent (RFC 5367), or who watches the
 * watcher (RFC 3857).
 */
export type Target =
  | { readonly kind: 'user' }
  | { readonly kind: 'contacts' /** Key of the watcher in the IDS. */; readonly owner: string }
  | { readonly kind: 'list' }
  | { readonly kind: 'watchers' };

/** A user who is watched in it, with the name that the watcher has given. */
export interface Resource {
  readonly uri: string;
  readonly name: string;
}

/** A SIP subscription: the dialog usage of one watcher. */
export interface Subscription {
  /** Names it in the Presence Datastore: `sip/<id>`. */
  readonly id: string;
  /** Of the dialog; several usages may share one, told apart by `id` of Event. */
  readonly key: string;
  readonly watcher: string;
  readonly target: Target;
  /** The URI that was subscribed to. */
  readonly uri: string;
  /** Value of Event, as the watcher wrote it. */
  readonly event: string;
  readonly contact: string;
  readonly isAdHoc: boolean;
  /** When it ends whatever the watcher does, by the monotonic clock; Infinity: never. */
  readonly endsAt: number;
  dialog: Dialog;
  /** By the monotonic clock. */
  expiresAt: number;
  /** Users watched, by address. */
  resources: ReadonlyMap<string, Resource>;
  /** Addresses that it may see only because the watcher is on their contact lists. */
  byContact: ReadonlySet<string>;
  /** Number of the next list document (RFC 4662 5.1, RFC 3858 3.2). */
  listVersion: number;
  /** Watchers that it has been told of, by their ids. */
  toldWatchers: ReadonlyMap<string, WatcherEntry>;
}

export function subscriptionKey(dialogId: string, event: Parameterised): string {
  return `${dialogId} ${event.value} ${event.params.get('id') ?? ''}`;
}

export function isList({ target }: Pick<Subscription, 'target'>): boolean {
  return target.kind === 'contacts' || target.kind === 'list';
}
