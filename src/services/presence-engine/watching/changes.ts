import type { Change, FeedBatch } from '../../../ids/change-feed.ts';
import type { WatchedTable } from '../../../ids/database.ts';
import type { Ids } from '../../../ids/ids.ts';
import type { Log } from '../../../platform/log.ts';
import { PRESENCE_EVENT } from '../../../presence/publication.ts';
import { POLICY_TABLES } from '../../../presence/watcher-policies.ts';
import { xmppSource } from '../../../presence/xmpp-presence.ts';
import type { PresenceChange, PresenceDatastore, WatcherChange } from '../../presence-datastore/presence-datastore.ts';
import type { EngineCounters } from '../counters.ts';
import { pagesOf } from '../pages.ts';
import { readContactList } from './contact-lists.ts';
import type { Notifier } from './notifier.ts';
import type { Residents } from './residents.ts';
import type { Subscription } from './subscription.ts';
import type { Subscriptions } from './subscriptions.ts';

/** Tables by which it changes who is there and who may see whom. */
export const WATCHED_TABLES = ['enduser', ...POLICY_TABLES] as const satisfies WatchedTable[];

const USER_COLUMNS = [
  'imaddress',
  'displayname',
  'enablecups',
  'status',
  'deletedat',
  'primarynodeid',
  'peerclusterid',
] as const;
/** Joins the columns of a key in the change log. */
const KEY_SEPARATOR = '\u001f';

export interface WatcherChangesNeeds {
  readonly ids: Ids;
  readonly presenceDatastore: PresenceDatastore;
  readonly residents: Residents;
  readonly subscriptions: Subscriptions;
  readonly notifier: Notifier;
  readonly counters: EngineCounters;
  readonly log: Log;
  readonly maxListResources: () => number;
}

/** Turns changes of presence, of permissions and of contact lists into news for the subscriptions that they touch. */
export class WatcherChanges {
  readonly #needs: WatcherChangesNeeds;

  constructor(needs: WatcherChangesNeeds) {
    this.#needs = needs;
  }

  presenceChanged({ presentity, event, source, kind }: PresenceChange): void {
    if (event !== PRESENCE_EVENT) return;
    if (kind === 'published' && source.startsWith(xmppSource(''))) this.#needs.counters.xmppPresence.inc();
    if (kind === 'expired' && /^(sip:|phone\/)/.test(source)) this.#needs.counters.publishExpired.inc();
    this.#changed(presentity, ({ target }) => target.kind !== 'watchers');
  }

  /** Somebody watches, or watches no more. */
  watchersChanged({ presentity, event }: WatcherChange): void {
    if (event === PRESENCE_EVENT) this.#changed(presentity, ({ target }) => target.kind === 'watchers');
  }

  /** Every subscription is looked at again: when it is not known what it has missed, or other rules hold. */
  allChanged(): void {
    const { subscriptions, notifier } = this.#needs;
    for (const each of subscriptions.all()) {
      for (const address of each.resources.keys()) notifier.changed(each, address);
    }
  }

  /** Of a batch of the change feed; answers a clause for its trace. */
  async apply(batch: FeedBatch): Promise<string> {
    if (batch.kind === 'snapshot') {
      await this.#contactListsChanged(undefined);
      this.allChanged();
      return '';
    }
    const { users, gone, owners } = await this.#touchedBy(batch.changes);
    for (const address of gone) await this.#left(address);
    if (owners === 'any' || owners.size > 0) await this.#contactListsChanged(owners);
    let told = owners === 'any' ? this.#contactsChanged() : 0;
    for (const address of users) told += this.#changed(address);
    return told === 0 ? '' : `looked at ${told} ${told === 1 ? 'subscription' : 'subscriptions'}`;
  }

  #changed(address: string, isTouched: (each: Subscription) => boolean = () => true): number {
    const watching = this.#needs.subscriptions.watching(address).filter(isTouched);
    for (const each of watching) this.#needs.notifier.changed(each, address);
    return watching.length;
  }

  /** Whoever has left the node has no presence here; those who watch are told so. */
  async #left(address: string): Promise<void> {
    const { residents, presenceDatastore } = this.#needs;
    if ((await residents.find(address)).kind === 'here') return;
    for (const { kind, event, source, etag } of await presenceDatastore.publicationsOf(address, PRESENCE_EVENT)) {
      // What we have read off phones is taken back by who has read it.
      if (kind !== 'phone' || etag !== undefined) await presenceDatastore.unpublish(address, event, source);
    }
    this.#changed(address);
  }

  /** Somebody is on somebody's contact list no more: all are looked at who see only by being on one. */
  #contactsChanged(): number {
    const { subscriptions, notifier } = this.#needs;
    let told = 0;
    for (const each of subscriptions.all()) {
      for (const address of each.byContact) notifier.changed(each, address);
      told += each.byContact.size;
    }
    return told;
  }

  /** @param owners keys of users; `any`, or undefined: it is not known whose list it was */
  async #contactListsChanged(owners: ReadonlySet<string> | 'any' | undefined): Promise<void> {
    const { ids, subscriptions, notifier, maxListResources, log } = this.#needs;
    for (const each of subscriptions.all()) {
      if (each.target.kind !== 'contacts') continue;
      if (owners instanceof Set && !owners.has(each.target.owner)) continue;
      const resources = await readContactList(ids.read, each.target.owner, maxListResources());
      if (isSameList(each.resources, resources)) continue;
      subscriptions.retarget(each, resources);
      notifier.tell(each);
      log.debug({ resources: resources.size }, 'a contact list that is watched has changed');
    }
  }

  async #touchedBy(changes: readonly Change[]): Promise<{
    readonly users: ReadonlySet<string>;
    readonly gone: ReadonlySet<string>;
    readonly owners: ReadonlySet<string> | 'any';
  }> {
    const { ids } = this.#needs;
    const pkids = new Set<string>();
    const mayBeGone = new Set<string>();
    const rosterItems: string[] = [];
    let isAnyOwner = false;
    for (const { table, op, key, changed } of changes) {
      if (table === 'enduser') {
        if (op !== 'u' || USER_COLUMNS.some((column) => changed.has(column))) {
          pkids.add(key);
          mayBeGone.add(key);
        }
      } else if (table === 'rosteritem') {
        // Whose list a deleted one stood on is not told.
        if (op === 'd') isAnyOwner = true;
        else rosterItems.push(key);
      } else if (table === 'serviceparameter') {
        // The engine's own come with its configuration.
      } else if ((POLICY_TABLES as readonly string[]).includes(table)) pkids.add(key.split(KEY_SEPARATOR)[0] as string);
    }
    const owners = new Set<string>();
    for (const page of pagesOf(rosterItems)) {
      const rows = await ids.read.selectFrom('rosteritem').select('fkenduser').where('pkid', 'in', page).execute();
      for (const { fkenduser } of rows) owners.add(fkenduser);
    }
    // Contacts may see whom strangers may not.
    for (const owner of owners) pkids.add(owner);
    const users = new Set<string>();
    const gone = new Set<string>();
    for (const page of pagesOf([...pkids])) {
      const rows = await ids.read
        .selectFrom('enduser')
        .select(['pkid', 'imaddress'])
        .where('pkid', 'in', page)
        .execute();
      for (const { pkid, imaddress } of rows) {
        users.add(imaddress.toLowerCase());
        if (mayBeGone.has(pkid)) gone.add(imaddress.toLowerCase());
      }
    }
    return { users, gone, owners: isAnyOwner ? 'any' : owners };
  }
}

function isSameList(
  a: ReadonlyMap<string, { readonly name: string }>,
  b: ReadonlyMap<string, { readonly name: string }>,
): boolean {
  return a.size === b.size && [...a].every(([address, { name }]) => b.get(address)?.name === name);
}
