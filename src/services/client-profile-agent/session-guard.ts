import type { Change, FeedBatch } from '../../ids/change-feed.ts';
import type { WatchedTable } from '../../ids/database.ts';
import type { Ids } from '../../ids/ids.ts';
import { isThirdParty } from '../../sign-in/application-users.ts';
import type { ClientSession, LoginDatastore, UserKind } from '../login-datastore/login-datastore.ts';
import type { ContactListCache } from './contacts/contact-list-cache.ts';

/** What the Client Profile Agent follows in the IDS. */
export const FOLLOWED_TABLES = [
  'enduser',
  'applicationuser',
  'applicationuserdirgroupmap',
  'dirgroup',
  'rostergroup',
  'rosteritem',
  'rosteritemgroup',
] as const satisfies WatchedTable[];

/** Columns of `enduser` whose change may end a user's sessions. */
const USER_COLUMNS = ['userid', 'enablecups', 'status', 'primarynodeid', 'deletedat'] as const;
const USERS_PER_QUERY = 400;

export interface SessionGuardNeeds {
  readonly ids: Ids;
  readonly loginDatastore: LoginDatastore;
  readonly contactLists: ContactListCache;
}

/**
 * Acts on changes of the IDS: forgets contact lists that changed, and ends the sessions of users who were disabled,
 * moved to another node, renamed or removed, and of application users who may not sign in any more.
 */
export function createSessionGuard(needs: SessionGuardNeeds): { apply(batch: FeedBatch): Promise<string> } {
  const endAll = async (sessions: readonly ClientSession[]): Promise<number> => {
    let ended = 0;
    for (const session of sessions) if (await needs.loginDatastore.end(session)) ended += 1;
    return ended;
  };

  /** Judged by what the IDS says now, not by what changed: a session may be newer than the change. */
  const checkEndUsers = async (sessions: readonly ClientSession[]): Promise<number> => {
    const pkids = [...new Set(sessions.map(({ userPkid }) => userPkid))];
    const users = new Map<string, { readonly userid: string; readonly primarynodeid: number | null }>();
    for (let from = 0; from < pkids.length; from += USERS_PER_QUERY) {
      const rows = await needs.ids.read
        .selectFrom('enduser')
        .select(['pkid', 'userid', 'primarynodeid'])
        .where('pkid', 'in', pkids.slice(from, from + USERS_PER_QUERY))
        .where('deletedat', 'is', null)
        .where('enablecups', '=', 1)
        .where('status', '=', 1)
        .execute();
      for (const row of rows) users.set(row.pkid, row);
    }
    return await endAll(
      sessions.filter(({ userPkid, userid, homeNodeId }) => {
        const user = users.get(userPkid);
        return user?.userid !== userid || user.primarynodeid !== homeNodeId;
      }),
    );
  };

  const checkApplicationUsers = async (sessions: readonly ClientSession[]): Promise<number> => {
    const bad = new Set<string>();
    for (const pkid of new Set(sessions.map(({ userPkid }) => userPkid))) {
      const user = await needs.ids.read
        .selectFrom('applicationuser')
        .select('pkid')
        .where('pkid', '=', pkid)
        .where('deletedat', 'is', null)
        .executeTakeFirst();
      if (!user || !(await isThirdParty(needs.ids.read, pkid))) bad.add(pkid);
    }
    return await endAll(sessions.filter(({ userPkid }) => bad.has(userPkid)));
  };

  const signedIn = async (kind: UserKind): Promise<ClientSession[]> => {
    const found: ClientSession[] = [];
    for await (const session of needs.loginDatastore.sessions()) if (session.kind === kind) found.push(session);
    return found;
  };

  const checkEverybody = async (): Promise<number> =>
    (await checkEndUsers(await signedIn('enduser'))) + (await checkApplicationUsers(await signedIn('applicationuser')));

  const applyChanges = async (changes: readonly Change[]): Promise<number> => {
    const touched: ClientSession[] = [];
    let areApplicationsTouched = false;
    for (const change of changes) {
      if (change.table === 'enduser') {
        if (change.op === 'u' && !USER_COLUMNS.some((column) => change.changed.has(column))) continue;
        touched.push(...(await needs.loginDatastore.sessionsOfUser('enduser', change.key)));
      } else if (!change.table.startsWith('roster')) areApplicationsTouched = true;
    }
    let ended = await checkEndUsers(touched);
    if (areApplicationsTouched) ended += await checkApplicationUsers(await signedIn('applicationuser'));
    return ended;
  };

  return {
    async apply(batch) {
      let ended: number;
      if (batch.kind === 'snapshot') {
        needs.contactLists.forgetAll();
        ended = await checkEverybody();
      } else {
        await needs.contactLists.apply(batch.changes);
        ended = await applyChanges(batch.changes);
      }
      return ended === 0 ? '' : `ended ${ended} session${ended === 1 ? '' : 's'}`;
    },
  };
}
