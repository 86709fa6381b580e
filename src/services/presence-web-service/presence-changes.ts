import type { Change, FeedBatch } from '../../ids/change-feed.ts';
import type { WatchedTable } from '../../ids/database.ts';
import type { Ids } from '../../ids/ids.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { PRESENCE_EVENT } from '../../presence/publication.ts';
import { judgeWatcher, seesOnlyAsContact } from '../../presence/watcher-permission.ts';
import { changesForAll, POLICY_TABLES, readWatcherPolicies } from '../../presence/watcher-policies.ts';
import type { PresenceChange } from '../presence-datastore/presence-datastore.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import { watcherOf } from './actions/read-presence.ts';
import type { Notifier } from './callbacks/notifier.ts';
import type { Registrations, Subscription } from './pools/registrations.ts';

/** What is followed in the IDS: who may see whom, and who is there at all. */
export const FOLLOWED_TABLES = ['enduser', ...POLICY_TABLES] as const satisfies WatchedTable[];

/** Columns of `enduser` by which a contact begins or ceases to be somebody. */
const USER_COLUMNS = ['imaddress', 'enablecups', 'status', 'deletedat'] as const;
/** Joins the columns of a key in the change log. */
const KEY_SEPARATOR = '\u001f';
const KEYS_PER_QUERY = 400;

export interface PresenceChangesNeeds {
  readonly ids: Ids;
  readonly routeDatastore: RouteDatastore;
  readonly registrations: Registrations;
  readonly notifier: Notifier;
  readonly log: Log;
}

interface Judgement {
  readonly isAllowed: boolean;
  /** It sees the user by the contact list alone. */
  readonly isOnlyAsContact: boolean;
}

interface Pending {
  readonly revision: number;
  /** Everybody who watches is told, whether they may see or not: what they may see has changed. */
  readonly isForAll: boolean;
}

/** Turns changes of presence and of permissions into news for the subscriptions that may see them. */
export class PresenceChanges {
  readonly #needs: PresenceChangesNeeds;
  /** By the address of the user that changed: several changes of one user are looked at once. */
  readonly #pending = new Map<string, Pending>();
  #revision = 0;
  #isDraining = false;

  constructor(needs: PresenceChangesNeeds) {
    this.#needs = needs;
  }

  /** Number of the last change: all up to it are in what a reader is told from now on. */
  get revision(): number {
    return this.#revision;
  }

  presenceChanged({ presentity, event }: PresenceChange): void {
    if (event === PRESENCE_EVENT) this.#changed(presentity, false);
  }

  /** A batch of the change feed. */
  async apply(batch: FeedBatch): Promise<string> {
    // What is said to subscribers is read when they ask: after a gap there is nothing to read anew.
    if (batch.kind === 'snapshot') return '';
    if (batch.changes.some(changesForAll)) {
      this.allChanged();
      return 'told every subscription';
    }
    const addresses = await this.#addressesOf(batch.changes);
    for (const address of addresses) this.#changed(address, true);
    for (const { owner, contact } of await this.#addedContactsOf(batch.changes)) {
      await this.#contactAdded(owner, contact);
    }
    if (batch.changes.some(({ table, op }) => table === 'rosteritem' && op === 'd')) await this.#contactsRemoved();
    return addresses.length === 0 ? '' : `looked at the watchers of ${addresses.length}`;
  }

  /** Tells every subscription, when it is not known what it has missed. */
  allChanged(): void {
    this.#revision += 1;
    for (const each of this.#needs.registrations.subscriptions.values()) {
      this.#needs.notifier.changed(each, this.#revision);
    }
  }

  #changed(address: string, isForAll: boolean): void {
    this.#revision += 1;
    if (this.#needs.registrations.watchersOf(address).length === 0) return;
    const isKnownForAll = this.#pending.get(address)?.isForAll ?? false;
    this.#pending.set(address, { revision: this.#revision, isForAll: isForAll || isKnownForAll });
    if (!this.#isDraining) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    for (let next = this.#take(); next; next = this.#take()) {
      const [address, pending] = next;
      try {
        await this.#tell(address, pending);
      } catch (error) {
        this.#needs.log.warn({ err: describeError(error) }, 'a change of presence could not be passed on');
      }
    }
    this.#isDraining = false;
  }

  #take(): readonly [string, Pending] | undefined {
    const [next] = this.#pending;
    if (next) this.#pending.delete(next[0]);
    return next;
  }

  /** A contact may now see who has added it; to others, and to who sees everybody anyway, this is no news. */
  async #contactAdded(owner: string, contact: string): Promise<void> {
    this.#revision += 1;
    const revision = this.#revision;
    const watching = this.#needs.registrations.watchersOf(owner).filter(({ watcher }) => watcher === contact);
    if (watching.length === 0) return;
    const judged = await this.#judge(owner, [contact]);
    if (!judged.get(contact)?.isOnlyAsContact) return;
    for (const each of watching) {
      // What has been fetched meanwhile holds it already.
      if (!each.seenAsContact.has(owner)) this.#needs.notifier.changed(each, revision);
    }
  }

  /** Somebody is off a contact list, it is not told whose: all are looked at who see somebody only by being on one. */
  async #contactsRemoved(): Promise<void> {
    this.#revision += 1;
    const revision = this.#revision;
    const { registrations, notifier } = this.#needs;
    const seen = new Map<string, Subscription[]>();
    for (const each of registrations.subscriptions.values()) {
      for (const address of each.seenAsContact) seen.set(address, [...(seen.get(address) ?? []), each]);
    }
    for (const [address, subscriptions] of seen) {
      const judged = await this.#judge(address, [...new Set(subscriptions.map(({ watcher }) => watcher))]);
      for (const each of subscriptions) {
        if (judged.get(each.watcher)?.isAllowed) continue;
        if (each.seenAsContact.delete(address)) notifier.changed(each, revision);
      }
    }
  }

  /** What each watcher may see of a user; of nobody's address, nothing is said. */
  async #judge(address: string, watchers: readonly string[]): Promise<ReadonlyMap<string, Judgement>> {
    const { ids, routeDatastore } = this.#needs;
    const judged = new Map<string, Judgement>();
    const user = await routeDatastore.userByAddress(address);
    if (!user) return judged;
    const policies = await readWatcherPolicies(ids.read, [{ pkid: user.pkid, address }], watchers);
    const policy = policies.get(user.pkid);
    for (const watcher of watchers) {
      if (!policy) continue;
      const who = await watcherOf(this.#needs, watcher);
      const isAllowed = judgeWatcher(policy, who).decision === 'allow';
      judged.set(watcher, { isAllowed, isOnlyAsContact: seesOnlyAsContact(policy, who) });
    }
    return judged;
  }

  async #tell(address: string, { revision, isForAll }: Pending): Promise<void> {
    const { routeDatastore, registrations, notifier } = this.#needs;
    const watching = registrations.watchersOf(address);
    const user = isForAll ? undefined : await routeDatastore.userByAddress(address);
    if (!user) {
      for (const each of watching) notifier.changed(each, revision);
      return;
    }
    const watchers = [...new Set(watching.map(({ watcher }) => watcher))];
    const judged = await this.#judge(address, watchers);
    for (const each of watching) {
      if (judged.get(each.watcher)?.isAllowed) notifier.changed(each, revision);
    }
  }

  /** Addresses in lower case of the users that the changes are about. */
  async #addressesOf(changes: readonly Change[]): Promise<readonly string[]> {
    const { ids } = this.#needs;
    const users = new Set<string>();
    for (const { table, op, key, changed } of changes) {
      if (table === 'enduser') {
        if (op !== 'u' || USER_COLUMNS.some((column) => changed.has(column))) users.add(key);
      } else if (table !== 'rosteritem' && table !== 'serviceparameter') {
        users.add(key.split(KEY_SEPARATOR)[0] as string);
      }
    }
    const addresses: string[] = [];
    for (const page of pagesOf([...users])) {
      const rows = await ids.read.selectFrom('enduser').select('imaddress').where('pkid', 'in', page).execute();
      for (const { imaddress } of rows) addresses.push(imaddress.toLowerCase());
    }
    return addresses;
  }

  /** Addresses in lower case of who has new contacts, and of these. */
  async #addedContactsOf(
    changes: readonly Change[],
  ): Promise<readonly { readonly owner: string; readonly contact: string }[]> {
    const items = changes.filter(({ table, op }) => table === 'rosteritem' && op === 'i').map(({ key }) => key);
    const added: { owner: string; contact: string }[] = [];
    for (const page of pagesOf(items)) {
      const rows = await this.#needs.ids.read
        .selectFrom('rosteritem as item')
        .innerJoin('enduser as user', 'user.pkid', 'item.fkenduser')
        .select(['user.imaddress', 'item.contactuser', 'item.contactdomain'])
        .where('item.pkid', 'in', page)
        .execute();
      for (const { imaddress, contactuser, contactdomain } of rows) {
        added.push({ owner: imaddress.toLowerCase(), contact: `${contactuser}@${contactdomain}`.toLowerCase() });
      }
    }
    return added;
  }
}

function pagesOf(keys: readonly string[]): readonly (readonly string[])[] {
  const pages: (readonly string[])[] = [];
  for (let from = 0; from < keys.length; from += KEYS_PER_QUERY) pages.push(keys.slice(from, from + KEYS_PER_QUERY));
  return pages;
}
