import { LRUCache } from 'lru-cache';
import type { Ids } from '../../../ids/ids.ts';
import { judgeWatcher, type WatcherDecision, type WatcherReason } from '../../../presence/watcher-permission.ts';
import { readWatcherPolicies } from '../../../presence/watcher-policies.ts';
import { addressOfJid, type Jid } from '../../../xmpp/xmpp.ts';
import type { LocalUser } from '../components/component.ts';

export interface Judgement {
  readonly decision: WatcherDecision;
  readonly reason: WatcherReason;
}

/** Who may see and reach whom, by the rules that hold on every interface; remembered until they change. */
export interface Permissions {
  judge(owner: LocalUser, other: Jid): Judgement | Promise<Judgement>;
  /** The rules of these users (by their keys), or of everybody, are others now. */
  changed(owners: ReadonlySet<string> | 'all'): void;
}

const OWNERS_KEPT = 50_000;
const WATCHERS_KEPT = 2_000;

export function createPermissions(ids: Ids, isInternal: (domain: string) => boolean): Permissions {
  const kept = new LRUCache<string, Map<string, Judgement>>({ max: OWNERS_KEPT });

  const read = async (owner: LocalUser, other: Jid, known: Map<string, Judgement>): Promise<Judgement> => {
    const watcher = addressOfJid(other);
    const policies = await readWatcherPolicies(ids.read, [{ pkid: owner.pkid, address: owner.address }], [watcher]);
    const policy = policies.get(owner.pkid);
    const judged: Judgement =
      policy === undefined
        ? { decision: 'block', reason: 'privacy' }
        : judgeWatcher(policy, { address: watcher, isInternal: isInternal(other.domain) });
    // Forgotten meanwhile: the rules may have been read before they changed.
    if (kept.get(owner.pkid) === known) {
      if (known.size >= WATCHERS_KEPT) known.clear();
      known.set(other.bare, judged);
    }
    return judged;
  };

  return {
    judge(owner, other) {
      if (owner.jid.bare === other.bare) return { decision: 'allow', reason: 'self' };
      let known = kept.get(owner.pkid);
      if (known === undefined) {
        known = new Map();
        kept.set(owner.pkid, known);
      }
      return known.get(other.bare) ?? read(owner, other, known);
    },
    changed(owners) {
      if (owners === 'all') kept.clear();
      else for (const owner of owners) kept.delete(owner);
    },
  };
}
