import type { Kysely, SelectQueryBuilder } from 'kysely';
import type { ChangeFeed } from '../../../ids/change-feed.ts';
import type { Database, WatchedTable } from '../../../ids/database.ts';
import type { Ids } from '../../../ids/ids.ts';
import { InterclusterFault } from '../errors.ts';

/** Tables whose changes peers are told of. */
export const USER_TABLE = 'enduser' satisfies WatchedTable;
export const TOPOLOGY_TABLES = [
  'enterprisenode',
  'enterprisesubcluster',
  'imdomain',
  'tcaliases',
] as const satisfies WatchedTable[];

/** A user of this cluster, as peers are told. */
export interface OwnUser {
  readonly pkid: string;
  readonly userid: string;
  readonly imaddress: string;
  /** Name of the home node; null while there is none. */
  readonly node: string | null;
  readonly directoryuri: string;
  readonly firstname: string;
  readonly lastname: string;
  readonly displayname: string;
  readonly mailid: string;
  readonly department: string;
  readonly title: string;
  readonly telephonenumber: string;
  readonly mobilenumber: string;
}

const COLUMNS = [
  'u.pkid',
  'u.userid',
  'u.imaddress',
  'u.directoryuri',
  'u.firstname',
  'u.lastname',
  'u.displayname',
  'u.mailid',
  'u.department',
  'u.title',
  'u.telephonenumber',
  'u.mobilenumber',
  'n.name as node',
] as const;

/** Rows of the log looked through, and their stretch, in one answer. */
const SCANNED_ROWS = 10_000;
const SCANNED_SPAN = 100_000;
const KEYS_PER_QUERY = 400;

export interface OwnChanges {
  readonly users: readonly OwnUser[];
  /** Keys of users who are gone, or not told of any more. */
  readonly removed: readonly string[];
  readonly through: number;
  readonly isMore: boolean;
  readonly isTopologyChanged: boolean;
}

/** Reads this cluster's own users: those of peers are never told on, so that nothing comes back. */
export interface OwnUsers {
  /** How many there are, and the number of the change log at which there were so many. */
  count(): Promise<{ readonly users: number; readonly at: number }>;
  /** In the order of their keys. */
  page(after: string, limit: number): Promise<readonly OwnUser[]>;
  /** @throws InterclusterFault `place-lost` */
  changes(after: number, limit: number): Promise<OwnChanges>;
}

export function createOwnUsers(ids: Ids, changeFeed: ChangeFeed): OwnUsers {
  /** Counting looks at many rows: done once for each state of the log. */
  let counted: { readonly at: number; readonly users: Promise<number> } | undefined;

  const readCount = async (): Promise<number> => {
    const row = await own(ids.read)
      .select(({ fn }) => fn.countAll<number>().as('users'))
      .executeTakeFirstOrThrow();
    return Number(row.users);
  };

  const read = async (keys: readonly string[]): Promise<OwnUser[]> => {
    const found: OwnUser[] = [];
    for (let from = 0; from < keys.length; from += KEYS_PER_QUERY) {
      found.push(
        ...(await withNode(own(ids.read).where('u.pkid', 'in', keys.slice(from, from + KEYS_PER_QUERY))).execute()),
      );
    }
    return found;
  };

  return {
    async count() {
      const at = await changeFeed.lastSeq();
      if (counted?.at !== at) counted = { at, users: readCount() };
      return { users: await counted.users, at };
    },
    page: async (after, limit) =>
      await withNode(own(ids.read).where('u.pkid', '>', after))
        .orderBy('u.pkid')
        .limit(limit)
        .execute(),
    async changes(after, limit) {
      const last = await changeFeed.lastSeq();
      await requirePlace(ids.read, after, last);
      const span = Math.min(last, after + SCANNED_SPAN);
      const rows = await ids.read
        .selectFrom('change_log')
        .select(['seq', 'tbl', 'key'])
        .where('seq', '>', after)
        .where('seq', '<=', span)
        .where('tbl', 'in', [USER_TABLE, ...TOPOLOGY_TABLES])
        .where('origin', 'not like', 'peer:%')
        .orderBy('seq')
        .limit(SCANNED_ROWS)
        .execute();
      const keys = new Set<string>();
      let isTopologyChanged = false;
      let through = rows.length < SCANNED_ROWS ? span : (rows.at(-1)?.seq ?? span);
      for (const { seq, tbl, key } of rows) {
        if (tbl !== USER_TABLE) isTopologyChanged = true;
        else if (keys.size < limit || keys.has(key)) keys.add(key);
        else {
          through = seq - 1;
          break;
        }
      }
      const users = await read([...keys]);
      for (const { pkid } of users) keys.delete(pkid);
      return { users, removed: [...keys], through, isMore: through < last, isTopologyChanged };
    },
  };
}

function own(db: Kysely<Database>): SelectQueryBuilder<Database & { u: Database['enduser'] }, 'u', object> {
  return db
    .selectFrom('enduser as u')
    .where('u.peerclusterid', 'is', null)
    .where('u.enablecups', '=', 1)
    .where('u.status', '=', 1)
    .where('u.deletedat', 'is', null) as SelectQueryBuilder<Database & { u: Database['enduser'] }, 'u', object>;
}

function withNode(query: ReturnType<typeof own>) {
  return query.leftJoin('enterprisenode as n', 'n.id', 'u.primarynodeid').select(COLUMNS);
}

/** The log reaches back to the place, and has been there. */
async function requirePlace(db: Kysely<Database>, after: number, last: number): Promise<void> {
  const oldest = await db
    .selectFrom('change_log')
    .select(({ fn }) => fn.min<number | null>('seq').as('seq'))
    .executeTakeFirst();
  const first = oldest?.seq ?? last + 1;
  if (after > last || after + 1 < first) {
    throw new InterclusterFault('place-lost', `the change log holds ${first} to ${last}: read all users`);
  }
}
