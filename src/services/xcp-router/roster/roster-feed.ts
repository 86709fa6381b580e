import type { Kysely } from 'kysely';
import type { Change, FeedBatch } from '../../../ids/change-feed.ts';
import type { Database, WatchedTable } from '../../../ids/database.ts';
import { changesForAll, POLICY_TABLES } from '../../../presence/watcher-policies.ts';
import type { Blocking } from '../iq/blocking.ts';
import type { Permissions } from '../presence/permissions.ts';
import type { PresenceFanOut } from '../presence/presence-fan-out.ts';
import type { Subscriptions } from '../presence/subscriptions.ts';
import type { Account, Accounts } from '../sessions/account.ts';
import type { Roster } from './roster.ts';
import type { Rosters } from './rosters.ts';

/** Tables by which contact lists change, and who may see whom. */
export const ROSTER_TABLES = [
  'rostergroup',
  'rosteritemgroup',
  'subscriptiondetail',
  ...POLICY_TABLES,
] as const satisfies WatchedTable[];

const SEPARATOR = '\u001f';
const KEYS_PER_QUERY = 400;

export interface RosterFeedNeeds {
  readonly db: Kysely<Database>;
  readonly accounts: Accounts;
  readonly rosters: Rosters;
  readonly permissions: Permissions;
  readonly fanOut: PresenceFanOut;
  readonly subscriptions: Subscriptions;
  readonly blocking: Blocking;
}

/**
 * Follows what others write: a contact added over SOAP is pushed to the user's clients, and asked for its presence; a
 * rule that hides the user takes its presence away. What the router itself wrote is in force already, and changes nothing.
 */
export function createRosterFeed(needs: RosterFeedNeeds) {
  const { db, accounts, rosters, permissions, fanOut, subscriptions, blocking } = needs;

  const look = async (account: Account): Promise<void> => {
    await blocking.changed(account);
    if (account.roster === undefined) return;
    const { before, after } = await rosters.changed(account);
    for (const [bare, item] of after) {
      const isNew = item.subscription.state.includes('+out') && !before.get(bare)?.subscription.state.includes('+out');
      if (isNew && account.isAvailable) await subscriptions.ask(account.user, item);
    }
    await fanOut.reconsider(account);
  };

  const ownersOf = async (changes: readonly Change[]): Promise<{ owners: Set<string>; isUnsure: boolean }> => {
    const owners = new Set<string>();
    const groups = new Set<string>();
    const items = new Set<string>();
    const gone = new Set<string>();
    for (const { table, key, op } of changes) {
      if (table === 'rostergroup') groups.add(key);
      else if (table === 'rosteritemgroup') groups.add(key.slice(key.indexOf(SEPARATOR) + 1));
      else if (table === 'rosteritem') (op === 'd' ? gone : items).add(key);
      else owners.add(key.split(SEPARATOR)[0] as string);
    }
    for (const owner of await readOwners(db, 'rostergroup', [...groups])) owners.add(owner);
    for (const owner of await readOwners(db, 'rosteritem', [...items])) owners.add(owner);
    if (gone.size > 0) {
      // A row that is gone does not say whose it was.
      for (const account of accounts.all()) {
        if (account.roster !== undefined && holdsOneOf(account.roster, gone)) owners.add(account.user.pkid);
      }
    }
    return { owners, isUnsure: gone.size > 0 };
  };

  return {
    /** Answers a clause for the trace. */
    async apply(batch: FeedBatch): Promise<string> {
      if (batch.kind === 'snapshot' || batch.changes.some(changesForAll)) {
        permissions.changed('all');
        for (const account of accounts.all()) await look(account);
        return '';
      }
      const { owners, isUnsure } = await ownersOf(batch.changes);
      permissions.changed(isUnsure ? 'all' : owners);
      let looked = 0;
      for (const pkid of owners) {
        const account = accounts.byPkid(pkid);
        if (account === undefined) continue;
        await look(account);
        looked += 1;
      }
      return looked === 0 ? '' : `looked at the contact lists of ${looked} who are here`;
    },
  };
}

function holdsOneOf(roster: Roster, pkids: ReadonlySet<string>): boolean {
  for (const { pkid } of roster.values()) if (pkid !== null && pkids.has(pkid)) return true;
  return false;
}

async function readOwners(
  db: Kysely<Database>,
  table: 'rostergroup' | 'rosteritem',
  pkids: readonly string[],
): Promise<Set<string>> {
  const owners = new Set<string>();
  for (let from = 0; from < pkids.length; from += KEYS_PER_QUERY) {
    const page = pkids.slice(from, from + KEYS_PER_QUERY);
    const rows = await db.selectFrom(table).select('fkenduser').distinct().where('pkid', 'in', page).execute();
    for (const { fkenduser } of rows) owners.add(fkenduser);
  }
  return owners;
}
