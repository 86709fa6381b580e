import type { Kysely } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { Change } from '../../../ids/change-feed.ts';
import type { Database } from '../../../ids/database.ts';
import type { Ids } from '../../../ids/ids.ts';
import { KeptAnswer } from '../kept-answer.ts';
import { readContactRows, writeContactRows } from './contact-list.ts';

/** Contact lists as they are sent, kept until the change feed or a write of our own says that they changed. */
export interface ContactListCache {
  /** The answer with the user's list, if it is kept. */
  peek(userPkid: string): KeptAnswer | undefined;
  /** Reads the list from the IDS and keeps it; those who ask meanwhile wait for the same one. */
  load(userPkid: string): Promise<KeptAnswer>;
  /** The list has just been changed by us. */
  forget(userPkid: string): void;
  forgetAll(): void;
  /** Forgets the lists that changes of roster tables touch. */
  apply(changes: readonly Change[]): Promise<void>;
}

interface Kept {
  readonly answer: KeptAnswer;
  readonly groups: readonly string[];
}

/** What surrounds the octets of a list counts as this much. */
const OVERHEAD_BYTES = 1_000;
const KEYS_PER_QUERY = 400;

/** @param operation whose answers are kept. */
export function createContactListCache(ids: Ids, maxBytes: number, operation = 'get-contact-list'): ContactListCache {
  /** Which user a kept list's groups belong to: a deleted row of the feed has only its key left. */
  const ownerOfGroup = new Map<string, string>();
  const forgetGroups = (kept: Kept): void => {
    for (const group of kept.groups) ownerOfGroup.delete(group);
  };
  const kept = new LRUCache<string, Kept>({
    maxSize: Math.max(1, maxBytes),
    sizeCalculation: ({ answer }) => OVERHEAD_BYTES + answer.size,
    dispose: forgetGroups,
  });
  /** Lists being read; one that is forgotten meanwhile is not kept. */
  const loading = new Map<string, Promise<Kept>>();

  const read = async (userPkid: string): Promise<Kept> => {
    const rows = await readContactRows(ids.read, userPkid);
    return {
      answer: new KeptAnswer(operation, writeContactRows(rows)),
      groups: [...new Set(rows.map(({ group }) => group))],
    };
  };

  const cache: ContactListCache = {
    peek: (userPkid) => kept.get(userPkid)?.answer,
    async load(userPkid) {
      const running = loading.get(userPkid);
      if (running) return (await running).answer;
      const own = read(userPkid);
      loading.set(userPkid, own);
      try {
        const loaded = await own;
        if (loading.get(userPkid) === own) {
          for (const group of loaded.groups) ownerOfGroup.set(group, userPkid);
          kept.set(userPkid, loaded);
        }
        return loaded.answer;
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
