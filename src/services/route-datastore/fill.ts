import type { Datastore } from '../../datastore/datastore.ts';
import type { Change, FeedBatch } from '../../ids/change-feed.ts';
import type { WatchedTable } from '../../ids/database.ts';
import type { Ids } from '../../ids/ids.ts';
import { keyOf, nodeRow, peerNodeRow, type RouteIndex, type RouteRow, USER_COLUMNS, userRow } from './route-rows.ts';

export const ROUTE_TABLES = [
  'enduser',
  'enterprisenode',
  'imdomain',
  'staticroute',
  'interclusternode',
  'interclusterpeer',
] as const satisfies WatchedTable[];

/** Users read at once: keeps a statement short, as SQLite answers on our one thread. */
const PAGE = 1_000;
const KEYS_PER_QUERY = 400;
const KEY_SEPARATOR = '\u001f';

export interface Filler {
  /** Brings the store in line with what the batch tells; answers one clause for the trace. */
  apply(batch: FeedBatch): Promise<string>;
}

/** Keeps the store equal to the IDS: a snapshot whole, after it only what changed. */
export function createFiller(ids: Ids, store: Datastore<RouteRow, RouteIndex>): Filler {
  const readSmallTables = async (tables: ReadonlySet<WatchedTable>): Promise<Map<string, RouteRow>> => {
    const rows = new Map<string, RouteRow>();
    if (tables.has('enterprisenode')) {
      for (const row of await ids.read.selectFrom('enterprisenode').selectAll().execute()) {
        rows.set(keyOf.node(row.id), nodeRow(row));
      }
    }
    if (tables.has('interclusternode') || tables.has('interclusterpeer')) {
      const nodes = await ids.read
        .selectFrom('interclusternode')
        .innerJoin('interclusterpeer', 'interclusterpeer.id', 'interclusternode.peerid')
        .selectAll('interclusternode')
        .select('interclusterpeer.siptransport')
        .execute();
      for (const row of nodes) rows.set(keyOf.peerNode(row.peerid, row.name), peerNodeRow(row));
    }
    if (tables.has('imdomain')) {
      for (const { domain, isdefault } of await ids.read.selectFrom('imdomain').selectAll().execute()) {
        rows.set(keyOf.domain(domain), { type: 'domain', domain: { domain, isDefault: isdefault === 1 } });
      }
    }
    if (tables.has('staticroute')) {
      for (const route of await ids.read.selectFrom('staticroute').selectAll().execute()) {
        rows.set(keyOf.static(route.pkid), { type: 'static', route });
      }
    }
    return rows;
  };

  const snapshot = async (): Promise<string> => {
    const seen = new Set<string>();
    const put = async (key: string, row: RouteRow): Promise<void> => {
      seen.add(key);
      await store.put(key, row, null);
    };
    for (const [key, row] of await readSmallTables(new Set(ROUTE_TABLES))) await put(key, row);
    let users = 0;
    for (let after = ''; ; ) {
      const page = await ids.read
        .selectFrom('enduser')
        .select(USER_COLUMNS)
        .where('pkid', '>', after)
        .orderBy('pkid')
        .limit(PAGE)
        .execute();
      for (const row of page) {
        if (row.deletedat !== null) continue;
        await put(keyOf.user(row.pkid), userRow(row));
        users += 1;
      }
      const last = page.at(-1);
      if (!last || page.length < PAGE) break;
      after = last.pkid;
      // Others get their turn between two pages.
      await new Promise((resolve) => setImmediate(resolve));
    }
    for await (const { key } of store.entries()) if (!seen.has(key)) await store.delete(key);
    return `read ${users} users`;
  };

  const applyUsers = async (pkids: readonly string[]): Promise<void> => {
    for (let from = 0; from < pkids.length; from += KEYS_PER_QUERY) {
      const wanted = pkids.slice(from, from + KEYS_PER_QUERY);
      const found = await ids.read.selectFrom('enduser').select(USER_COLUMNS).where('pkid', 'in', wanted).execute();
      const gone = new Set(wanted);
      for (const row of found) {
        if (row.deletedat !== null) continue;
        gone.delete(row.pkid);
        await store.put(keyOf.user(row.pkid), userRow(row), null);
      }
      for (const pkid of gone) await store.delete(keyOf.user(pkid));
    }
  };

  const applyChanges = async (changes: readonly Change[]): Promise<string> => {
    const users = changes.filter(({ table }) => table === 'enduser').map(({ key }) => key);
    await applyUsers(users);
    // The other tables hold a few rows each: they are read whole when one of theirs changed.
    const others = changes.filter(({ table }) => table !== 'enduser');
    const fresh = await readSmallTables(new Set(others.map(({ table }) => table)));
    for (const [key, row] of fresh) await store.put(key, row, null);
    for (const { table, key, op } of others) {
      if (op !== 'd') continue;
      const gone = goneKey(table, key);
      if (gone !== undefined && !fresh.has(gone)) await store.delete(gone);
    }
    return `${users.length} users, ${others.length} routes and nodes`;
  };

  return {
    apply: (batch) => (batch.kind === 'snapshot' ? snapshot() : applyChanges(batch.changes)),
  };
}

/** Key of the row that goes with a row of the IDS. */
function goneKey(table: WatchedTable, key: string): string | undefined {
  switch (table) {
    case 'enterprisenode':
      return keyOf.node(key);
    case 'imdomain':
      return keyOf.domain(key);
    case 'staticroute':
      return keyOf.static(key);
    case 'interclusternode': {
      const [peerId = '', name = ''] = key.split(KEY_SEPARATOR);
      return keyOf.peerNode(peerId, name);
    }
    default:
      return undefined;
  }
}
