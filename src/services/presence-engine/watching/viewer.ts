import type { Ids } from '../../../ids/ids.ts';
import type { Pidf } from '../../../pidf/pidf.ts';
import { composePresence, withDisplayName } from '../../../presence/compose.ts';
import { PRESENCE_EVENT } from '../../../presence/publication.ts';
import { judgeWatcher, type Watcher, type WatcherPolicy } from '../../../presence/watcher-permission.ts';
import { readWatcherPolicies } from '../../../presence/watcher-policies.ts';
import type { EngineConfiguration } from '../../../rpc/presence-engine/configuration.ts';
import type { PresenceDatastore } from '../../presence-datastore/presence-datastore.ts';
import type { RoutedUser } from '../../route-datastore/route-datastore.ts';
import type { Residents } from './residents.ts';
import { readWatcherList, type WatcherList } from './watcher-list.ts';

/** What one watcher gets to see of one user. */
export type View =
  | {
      readonly kind: 'active';
      readonly document: Pidf;
      /** Only because the watcher is on the user's contact list. */
      readonly isByContact: boolean;
    }
  /** The user has not been asked yet. */
  | { readonly kind: 'pending' }
  | { readonly kind: 'rejected' }
  /** Nobody here; the document tells whoever watched that the user is unavailable. */
  | { readonly kind: 'nobody' | 'elsewhere'; readonly document: Pidf };

export interface ViewerNeeds {
  readonly ids: Ids;
  readonly presenceDatastore: PresenceDatastore;
  readonly residents: Residents;
  readonly configuration: () => EngineConfiguration;
}

export interface Viewer {
  /** Views of any users, by address. @param addresses bare, in lower case */
  view(addresses: readonly string[], watcher: string): Promise<ReadonlyMap<string, View>>;
  /** Who watches a user. @param address bare, in lower case */
  watchers(address: string): Promise<WatcherList>;
}

/** Users read at once: keeps a statement short, as SQLite answers on our one thread. */
const USERS_PER_TURN = 200;

export function createViewer({ ids, presenceDatastore, residents, configuration }: ViewerNeeds): Viewer {
  const readPage = async (addresses: readonly string[], watcher: Watcher, views: Map<string, View>): Promise<void> => {
    const users = new Map<string, RoutedUser>();
    for (const address of addresses) {
      const residence = await residents.find(address);
      if (residence.kind === 'here') users.set(address, residence.user);
      else views.set(address, { kind: residence.kind, document: composePresence(address, []) });
    }
    const subjects = [...users].map(([address, { pkid }]) => ({ pkid, address }));
    if (subjects.length === 0) return;
    const policies = await readWatcherPolicies(ids.read, subjects, [watcher.address], configuration().parameters);
    const names = await ids.read
      .selectFrom('enduser')
      .select(['pkid', 'displayname'])
      .where(
        'pkid',
        'in',
        subjects.map(({ pkid }) => pkid),
      )
      .execute();
    const nameOf = new Map(names.map(({ pkid, displayname }) => [pkid, displayname]));
    for (const { address, pkid } of subjects) {
      const policy = policies.get(pkid);
      const decision = policy === undefined ? 'block' : judgeWatcher(policy, watcher).decision;
      if (decision === 'block') views.set(address, { kind: 'rejected' });
      else if (decision === 'ask') views.set(address, { kind: 'pending' });
      else {
        // Politely blocked looks in every way as somebody who says nothing.
        const said = decision === 'allow' ? await presenceDatastore.publicationsOf(address, PRESENCE_EVENT) : [];
        const document = withDisplayName(composePresence(address, said), nameOf.get(pkid) ?? '');
        views.set(address, {
          kind: 'active',
          document,
          isByContact: policy !== undefined && isByContact(policy, watcher),
        });
      }
    }
  };

  return {
    watchers: (address) => readWatcherList({ ids, presenceDatastore, residents, configuration }, address),
    async view(addresses, watcher) {
      const domain = watcher.slice(watcher.lastIndexOf('@') + 1);
      const isInternal = configuration().domains.some((each) => each.toLowerCase() === domain);
      const views = new Map<string, View>();
      for (let from = 0; from < addresses.length; from += USERS_PER_TURN) {
        await readPage(addresses.slice(from, from + USERS_PER_TURN), { address: watcher, isInternal }, views);
      }
      return views;
    },
  };
}

function isByContact(policy: WatcherPolicy, watcher: Watcher): boolean {
  const { decision, reason } = judgeWatcher(policy, watcher);
  return reason === 'contact' && judgeWatcher({ ...policy, isContact: () => false }, watcher).decision !== decision;
}
