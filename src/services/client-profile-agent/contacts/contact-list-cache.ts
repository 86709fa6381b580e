import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Change } from '../../../ids/change-feed.ts';
import type { Database } from '../../../ids/database.ts';
import type { Ids } from '../../../ids/ids.ts';
import type { CachedContent } from '../operation.ts';
import { readContactRows, writeContactRows } from './contact-list.ts';

/** Contact lists as they are sent, kept until the change feed or a write of our own says that they changed. */
export interface ContactListCache {
  /** The user's list; `isHit` tells whether it was kept. */
  get(userPkid: string): Promise<{ readonly content: CachedContent; readonly isHit: boolean }>;
  /** The list has just been changed by us. */
  forget(userPkid: string): void;
  forgetAll(): void;
  /** Forgets the lists that changes of roster tables touch. */
  apply(changes: readonly Change[]): Promise<void>;
}

interface Kept {
  readonly content: CachedContent;
  readonly groups: readonly string[];
}

/** A rendered list stands in memory as text and up to twice as bytes; what surrounds it counts as this much. */
const OVERHEAD_BYTES = 1_000;
const KEYS_PER_QUERY = 400;

export function createContactListCache(ids: Ids, maxBytes: number): ContactListCache {
  /** Which user a kept list's groups belong to: a deleted row of the feed has only its key left. */
  const ownerOfGroup = new Map<string, string>();
  const forgetGroups = (kept: Kept): void => {
    for (const group of kept.groups) ownerOfGroup.delete(group);
  };
  const kept = new LRUCache<string, Kept>({
    maxSize: Math.max(1, maxBytes),
    sizeCalculation: ({ content }) => OVERHEAD_BYTES + 3 * content.content.length,
    dispose: forgetGroups,
  });
  /** Lists being read; one that is forgotten meanwhile is not kept. */
  const loading = new Map<string, Promise<Kept>>();

  const load = async (userPkid: string): Promise<Kept> => {
    const rows = await readContactRows(ids.read, userPkid);
    return {
      content: { content: writeContactRows(rows), envelopes: {} },
      groups: [...new Set(rows.map(({ group }) => group))],
    };
  };

  const cache: ContactListCache = {
    async get(userPkid) {
      const known = kept.get(userPkid);
      if (known) return { content: known.content, isHit: true };
      const running = loading.get(userPkid);
      if (running) return { content: (await running).content, isHit: true };
      const own = load(userPkid);
      loading.set(userPkid, own);
      try {
        const loaded = await own;
        if (loading.get(userPkid) === own) {
          for (const group of loaded.groups) ownerOfGroup.set(group, userPkid);
          kept.set(userPkid, loaded);
        }
        return { content: loaded.content, isHit: false };
      } finally {
        if (loading.get(userPkid) === own) loading.delete(userPkid);
      }
    },
    forget(userPkid) {
      loading.delete(userPkid);
      kept.delete(userPkid);
    },
    forgetAll() {
      loading.clear();
      kept.clear();
      ownerOfGroup.clear();
    },
    async apply(changes) {
      const groups = new Set<string>();
      const items = new Set<string>();
      for (const { table, key, op } of changes) {
        if (table === 'rostergroup') groups.add(key);
        if (table === 'rosteritemgroup') groups.add(key.slice(key.indexOf('\u001f') + 1));
        // A deleted contact has lost its places too, and those name the group.
        if (table === 'rosteritem' && op !== 'd') items.add(key);
      }
      const unknown: string[] = [];
      for (const group of groups) {
        const owner = ownerOfGroup.get(group);
        if (owner === undefined) unknown.push(group);
        else cache.forget(owner);
      }
      for (const owner of await ownersOf(ids.read, 'rostergroup', unknown)) cache.forget(owner);
      for (const owner of await ownersOf(ids.read, 'rosteritem', [...items])) cache.forget(owner);
    },
  };
  return cache;
}

async function ownersOf(
  db: Kysely<Database>,
  table: 'rostergroup' | 'rosteritem',
  pkids: readonly string[],
): Promise<Set<string>> {
  const owners = new Set<string>();
  for (let from = 0; from < pkids.length; from += KEYS_PER_QUERY) {
    const rows = await db
      .selectFrom(table)
      .select('fkenduser')
      .distinct()
      .where('pkid', 'in', pkids.slice(from, from + KEYS_PER_QUERY))
      .execute();
    for (const { fkenduser } of rows) owners.add(fkenduser);
  }
  return owners;
}
