import { sql } from 'kysely';
import type { Change, FeedBatch } from '../../../ids/change-feed.ts';
import type { Ids } from '../../../ids/ids.ts';
import type { IcsaCounters } from '../counters.ts';
import type { PeerAlarmName, PeerAlarms } from './peer-alarms.ts';
import { hiddenUsers, settleUserIds } from './visible-users.ts';

export interface ConflictsNeeds {
  readonly ids: Ids;
  readonly alarms: PeerAlarms;
  readonly counters: IcsaCounters;
}

/** Users of peers who are not shown, as somebody else has their user id. */
export interface Conflicts {
  /** Settles anew who is shown, where users of this cluster have changed. */
  apply(batch: FeedBatch): Promise<void>;
  /** Looks at who is not shown, of those with these user ids or of all: alarms and counts. */
  judge(userids: ReadonlySet<string> | null): Promise<void>;
  /** How many of a peer's users are not shown. */
  hiddenOf(peerId: number): number;
}

const KEYS_PER_QUERY = 400;
/** Named in an alarm. */
const NAMED = 5;
/** Who is shown is settled in the name of no single peer. */
const ORIGIN = 'peer:0';

export function createConflicts({ ids, alarms, counters }: ConflictsNeeds): Conflicts {
  /** Peers whose users are not shown, by user id in lower case. They are few. */
  const hidden = new Map<string, ReadonlySet<number>>();
  let counts = new Map<number, number>();

  /** User ids that changes of our own users may have taken; those that they may have given away are hidden ones. */
  const takenBy = async (changes: readonly Change[]): Promise<Set<string>> => {
    const taken = new Set<string>();
    for (const [table, column] of [
      ['enduser', 'userid'],
      ['applicationuser', 'name'],
    ] as const) {
      const keys = changes.filter((change) => change.table === table && change.op !== 'd').map(({ key }) => key);
      for (let from = 0; from < keys.length; from += KEYS_PER_QUERY) {
        const list = sql.join(keys.slice(from, from + KEYS_PER_QUERY));
        const { rows } = await sql<{ userid: string }>`
          SELECT DISTINCT u.useridlower AS userid FROM ${sql.table(table)} AS own
          JOIN interclusteruser AS u ON u.useridlower = lower(${sql.ref(`own.${column}`)})
          WHERE own.pkid IN (${list})`.execute(ids.read);
        for (const { userid } of rows) taken.add(userid);
      }
    }
    return taken;
  };

  const applicationsAmong = async (userids: Iterable<string>): Promise<ReadonlySet<string>> => {
    const wanted = new Set(userids);
    if (wanted.size === 0) return wanted;
    const rows = await ids.read
      .selectFrom('applicationuser')
      .where('deletedat', 'is', null)
      .select(sql<string>`lower(name)`.as('name'))
      .execute();
    return new Set(rows.map(({ name }) => name).filter((name) => wanted.has(name)));
  };

  const report = async (): Promise<void> => {
    const applications = await applicationsAmong(hidden.keys());
    const ofPeer = new Map<number, { readonly duplicates: string[]; readonly applications: string[] }>();
    for (const [userid, peers] of hidden) {
      for (const peerId of peers) {
        const found = ofPeer.get(peerId) ?? { duplicates: [], applications: [] };
        (applications.has(userid) ? found.applications : found.duplicates).push(userid);
        ofPeer.set(peerId, found);
      }
    }
    const before = counts;
    counts = new Map();
    for (const peerId of new Set([...before.keys(), ...ofPeer.keys()])) {
      const found = ofPeer.get(peerId) ?? { duplicates: [], applications: [] };
      const say = (name: PeerAlarmName, users: readonly string[], why: string): void => {
        if (users.length === 0) alarms.unset(name, peerId);
        else alarms.set(name, peerId, `peer ${peerId}: ${some(users)} not used, as ${why}`);
      };
      say('DuplicateUserid', found.duplicates, 'users of other clusters have these user ids');
      say('InterClusterSyncAgentAppUserEndUserConflict', found.applications, 'application users have these names');
      const count = found.duplicates.length + found.applications.length;
      counters.hidden.labels(String(peerId)).set(count);
      if (count > 0) counts.set(peerId, count);
    }
  };

  const judge = async (userids: ReadonlySet<string> | null): Promise<void> => {
    const rows = await hiddenUsers(ids.read, userids);
    if (rows.length === 0 && hidden.size === 0) return;
    for (const userid of userids ?? [...hidden.keys()]) hidden.delete(userid);
    for (const [userid, users] of Map.groupBy(rows, (row) => row.userid)) {
      hidden.set(userid, new Set(users.map(({ peerId }) => peerId)));
    }
    await report();
  };

  return {
    async apply(batch) {
      // After a snapshot anything may be different: whoever is not shown, and whoever has a user id of ours.
      const taken = batch.kind === 'snapshot' ? await takenByAll(ids) : await takenBy(batch.changes);
      const touched = new Set([...hidden.keys(), ...taken]);
      if (touched.size === 0) return;
      await ids.transaction(ORIGIN, (trx) => settleUserIds(trx, touched));
      await judge(touched);
    },
    judge,
    hiddenOf: (peerId) => counts.get(peerId) ?? 0,
  };
}

async function takenByAll(ids: Ids): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ userid: string }>`
    SELECT u.useridlower AS userid FROM interclusteruser AS u
    JOIN enduser AS e ON lower(e.userid) = u.useridlower WHERE e.peerclusterid IS NULL
    UNION SELECT u.useridlower FROM interclusteruser AS u
    JOIN applicationuser AS a ON lower(a.name) = u.useridlower`.execute(ids.read);
  return new Set(rows.map(({ userid }) => userid));
}

function some(users: readonly string[]): string {
  return `${users.slice(0, NAMED).join(', ')}${users.length > NAMED ? ` and ${users.length - NAMED} more` : ''}`;
}
