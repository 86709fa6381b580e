import type { LocalUser } from '../components/component.ts';
import type { Roster } from '../roster/roster.ts';
import type { Session } from './session.ts';

/** A user with at least one session here. */
export class Account {
  readonly user: LocalUser;
  /** By resource. */
  readonly sessions = new Map<string, Session>();
  /** Read when first needed. */
  roster: Roster | undefined;
  /** Whom the user blocks, as clients that asked were last told. */
  blocked: ReadonlySet<string> | undefined;
  /** Which resource answered whom (bare address): the conversation goes on there. */
  readonly conversations = new Map<string, string>();
  /** Subscribers who were last told that the user is unavailable though it is not. */
  readonly hiddenFrom = new Set<string>();

  constructor(user: LocalUser) {
    this.user = user;
  }

  *available(): Iterable<Session> {
    for (const session of this.sessions.values()) if (session.isAvailable) yield session;
  }

  get isAvailable(): boolean {
    for (const session of this.sessions.values()) if (session.isAvailable) return true;
    return false;
  }

  get takesMessages(): boolean {
    for (const session of this.sessions.values()) if (session.takesMessages) return true;
    return false;
  }
}

/** The users with sessions, by bare address. */
export interface Accounts {
  find(bare: string): Account | undefined;
  byPkid(pkid: string): Account | undefined;
  open(user: LocalUser): Account;
  /** Forgets it when no session is left. */
  close(account: Account): void;
  all(): Iterable<Account>;
  readonly size: number;
}

export function createAccounts(): Accounts {
  const byAddress = new Map<string, Account>();
  const byPkid = new Map<string, Account>();
  return {
    find: (bare) => byAddress.get(bare),
    byPkid: (pkid) => byPkid.get(pkid),
    open(user) {
      const known = byAddress.get(user.jid.bare);
      if (known !== undefined) return known;
      const account = new Account(user);
      byAddress.set(user.jid.bare, account);
      byPkid.set(user.pkid, account);
      return account;
    },
    close(account) {
      if (account.sessions.size > 0 || byAddress.get(account.user.jid.bare) !== account) return;
      byAddress.delete(account.user.jid.bare);
      byPkid.delete(account.user.pkid);
    },
    all: () => byAddress.values(),
    get size() {
      return byAddress.size;
    },
  };
}
