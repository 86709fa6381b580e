import type { Kysely } from 'kysely';
import type { Database } from '../../../ids/database.ts';
import type { Ids } from '../../../ids/ids.ts';
import type { XmlElement } from '../../../xml/element.ts';
import { el, iq, NS } from '../../../xmpp/xmpp.ts';
import type { LocalUser } from '../components/component.ts';
import type { Account, Accounts } from '../sessions/account.ts';
import { differences, type Roster } from './roster.ts';
import { readRoster } from './roster-store.ts';

/** Contact lists of users with sessions, kept as the IDS has them; clients are pushed what changed, whoever changed it. */
export interface Rosters {
  of(account: Account): Promise<Roster>;
  /** Also of somebody without a session. */
  ofUser(user: LocalUser, db?: Kysely<Database>): Promise<Roster>;
  /** Something of the list was written: reads it anew, and pushes what is different to interested resources. */
  changed(account: Account): Promise<{ readonly before: Roster; readonly after: Roster }>;
}

export interface RostersNeeds {
  readonly ids: Ids;
  readonly accounts: Accounts;
  readonly keepAtMost: number;
  readonly newId: () => string;
}

export function createRosters({ ids, keepAtMost, newId }: RostersNeeds): Rosters {
  /** One reading at a time per account, so that an older list never replaces a newer one. */
  const turns = new WeakMap<Account, Promise<unknown>>();
  const inTurn = <T>(account: Account, task: () => Promise<T>): Promise<T> => {
    const before = turns.get(account) ?? Promise.resolve();
    const own = before.then(task, task);
    turns.set(account, own);
    return own;
  };

  const push = (account: Account, items: readonly XmlElement[]): void => {
    for (const session of account.sessions.values()) {
      if (!session.isInterested) continue;
      // RFC 6121 2.1.6: one item a push.
      for (const item of items) {
        const query = el(NS.roster, 'query', {}, item);
        session.deliver(iq({ type: 'set', id: newId(), to: session.jid }, query), keepAtMost);
      }
    }
  };

  return {
    of: (account) =>
      account.roster !== undefined
        ? Promise.resolve(account.roster)
        : inTurn(account, async () => {
            account.roster ??= await readRoster(ids.read, account.user.pkid);
            return account.roster;
          }),
    ofUser: (user, db = ids.read) => readRoster(db, user.pkid),
    changed: (account) =>
      inTurn(account, async () => {
        const after = await readRoster(ids.read, account.user.pkid);
        const before = account.roster ?? after;
        account.roster = after;
        push(account, differences(before, after));
        return { before, after };
      }),
  };
}
