import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Datastore, DatastoreEngine } from '../../datastore/datastore.ts';
import { ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import type { Publication } from '../../presence/publication.ts';
import {
  indexOf,
  keyOf,
  type PresenceIndex,
  type PresenceSubscription,
  publicationDefinition,
  subscriptionDefinition,
} from './presence-rows.ts';

export type { PresenceSubscription } from './presence-rows.ts';

const optionsSchema = z.strictObject({
  maxPublications: z
    .number()
    .int()
    .min(1)
    .default(500_000)
    .describe('Most publications held; further ones are told to try later.'),
  maxSubscriptions: z
    .number()
    .int()
    .min(1)
    .default(1_000_000)
    .describe('Most subscriptions held, one for each watcher and watched user; further ones are told to try later.'),
});

export type PresenceDatastoreOptions = z.infer<typeof optionsSchema>;

export const presenceDatastoreDescriptor: ServiceDescriptor<PresenceDatastoreOptions> = {
  name: 'presence-datastore',
  title: 'Cisco Presence Datastore',
  purpose: 'A real-time database for storing transient presence data and subscriptions.',
  kind: 'network',
  isXcp: false,
  dependsOn: [],
  waitsForDataMonitor: true,
  conformance: [],
  options: optionsSchema,
};

/** Somebody's presence is not what it was. */
export interface PresenceChange {
  readonly presentity: string;
  readonly event: string;
  readonly source: string;
  readonly kind: 'published' | 'removed' | 'expired';
}

/** Somebody watches, or watches no more; a subscription that lives on is no change. */
export interface WatcherChange extends PresenceSubscription {
  readonly kind: 'begun' | 'ended' | 'expired';
}

/** Transient presence and who watches it. Every call rejects with kind `unavailable` while the service is stopped. */
export interface PresenceDatastore {
  /** Stores what a source says, in place of what it said before. @throws ImpError `datastore.full` */
  publish(publication: Publication, expiresInMs: number): Promise<void>;
  /** Answers what was removed; undefined when there was nothing. */
  unpublish(presentity: string, event: string, source: string): Promise<Publication | undefined>;
  publicationsOf(presentity: string, event: string): Promise<readonly Publication[]>;
  /** What a client session has published and not taken back. */
  publicationsOfSession(sessionId: string): Promise<readonly Publication[]>;
  /** Opens a subscription or gives it a new life. @throws ImpError `datastore.full` */
  subscribe(subscription: PresenceSubscription, expiresInMs: number): Promise<void>;
  /** False when there was none. */
  unsubscribe(presentity: string, watcher: string, dialog: string): Promise<boolean>;
  /** Ends every subscription of a watcher's dialog; answers how many. */
  endDialog(watcher: string, dialog: string): Promise<number>;
  watchersOf(presentity: string, event: string): Promise<readonly PresenceSubscription[]>;
  /** Removes what is held about a user who has left the node: publications and who watches them. */
  forget(presentity: string, event: string): Promise<void>;
  /**
   * Hears every change of a publication, its expiry too; goes on over restarts of the service. What is said again as it
   * was, to live longer, is no change.
   */
  watch(listener: (change: PresenceChange) => void): Disposable;
  /** Hears of every subscription that begins and ends; goes on over restarts of the service. */
  watchWatchers(listener: (change: WatcherChange) => void): Disposable;
}

export interface PresenceDatastoreNeeds {
  readonly engine: DatastoreEngine;
  readonly log: Log;
}

interface Stores {
  readonly publications: Datastore<Publication, PresenceIndex>;
  readonly subscriptions: Datastore<PresenceSubscription, 'presentity' | 'dialog'>;
}

export function createPresenceDatastore(
  needs: PresenceDatastoreNeeds,
  options: PresenceDatastoreOptions,
): Service & PresenceDatastore {
  const log = needs.log.child({ subsystem: 'presence-datastore' });
  const listeners = new Set<(change: PresenceChange) => void>();
  const watcherListeners = new Set<(change: WatcherChange) => void>();
  let stores: Stores | undefined;
  let publications = 0;
  let subscriptions = 0;

  const open = (): Stores => {
    if (!stores) {
      throw new ImpError('unavailable', 'presence-datastore.stopped', 'the Presence Datastore is not running');
    }
    return stores;
  };

  const deleteAll = async <Value, Index extends string>(
    store: Datastore<Value, Index>,
    index: Index,
    value: string,
  ): Promise<number> => {
    let deleted = 0;
    for (const { key } of await store.query(index, value)) if (await store.delete(key)) deleted += 1;
    return deleted;
  };

  return {
    async publish(publication, expiresInMs) {
      const { presentity, event, source } = publication;
      await open().publications.put(keyOf.publication(presentity, event, source), publication, expiresInMs);
    },
    unpublish: async (presentity, event, source) =>
      await open().publications.delete(keyOf.publication(presentity, event, source)),
    async publicationsOf(presentity, event) {
      const found = await open().publications.query('presentity', indexOf.presentity(presentity, event));
      return found.map(({ value }) => value);
    },
    async publicationsOfSession(sessionId) {
      return (await open().publications.query('session', sessionId)).map(({ value }) => value);
    },
    async subscribe(subscription, expiresInMs) {
      const { presentity, watcher, dialog } = subscription;
      await open().subscriptions.put(keyOf.subscription(presentity, watcher, dialog), subscription, expiresInMs);
    },
    unsubscribe: async (presentity, watcher, dialog) =>
      (await open().subscriptions.delete(keyOf.subscription(presentity, watcher, dialog))) !== undefined,
    endDialog: async (watcher, dialog) =>
      await deleteAll(open().subscriptions, 'dialog', indexOf.dialog(watcher, dialog)),
    async watchersOf(presentity, event) {
      const found = await open().subscriptions.query('presentity', indexOf.presentity(presentity, event));
      return found.map(({ value }) => value);
    },
    async forget(presentity, event) {
      const { publications: published, subscriptions: watching } = open();
      await deleteAll(published, 'presentity', indexOf.presentity(presentity, event));
      await deleteAll(watching, 'presentity', indexOf.presentity(presentity, event));
    },
    watch: (listener) => join(listeners, listener),
    watchWatchers: (listener) => join(watcherListeners, listener),

    async start(scope) {
      const opened: Stores = {
        publications: needs.engine.open(publicationDefinition(options.maxPublications)),
        subscriptions: needs.engine.open(subscriptionDefinition(options.maxSubscriptions)),
      };
      const watches = [
        opened.publications.watch((event) => {
          if (event.kind === 'put') publications += event.previous === undefined ? 1 : 0;
          else publications -= 1;
          // Said again as it was, for a longer life: nobody's presence has changed.
          if (event.kind === 'put' && isDeepStrictEqual(event.previous, event.value)) return;
          const row = event.kind === 'put' ? event.value : event.previous;
          const kind = event.kind === 'put' ? 'published' : event.kind === 'expire' ? 'expired' : 'removed';
          const change = { presentity: row.presentity, event: row.event, source: row.source, kind } as const;
          for (const listener of listeners) listener(change);
        }),
        opened.subscriptions.watch((event) => {
          if (event.kind === 'put' && event.previous !== undefined) return;
          subscriptions += event.kind === 'put' ? 1 : -1;
          const row = event.kind === 'put' ? event.value : event.previous;
          const kind = event.kind === 'put' ? 'begun' : event.kind === 'expire' ? 'expired' : 'ended';
          for (const listener of watcherListeners) listener({ ...row, kind });
        }),
      ];
      scope.defer(() => {
        for (const watch of watches) watch[Symbol.dispose]();
      });
      publications = await opened.publications.size();
      subscriptions = await opened.subscriptions.size();
      stores = opened;
      scope.defer(() => {
        stores = undefined;
      });
      log.info({ publications, subscriptions }, 'presence datastore ready');
    },
    detail: () =>
      stores ? `holds ${count(publications, 'publication')} and ${count(subscriptions, 'subscription')}` : 'closed',
  };
}

/** A function of its own per watch: the same listener may watch twice. */
function join<Change>(listeners: Set<(change: Change) => void>, listener: (change: Change) => void): Disposable {
  const own = (change: Change): void => listener(change);
  listeners.add(own);
  return { [Symbol.dispose]: () => void listeners.delete(own) };
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
