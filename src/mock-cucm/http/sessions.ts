import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../platform/clock.ts';
import type { Account } from './accounts.ts';

const COOKIE = 'JSESSIONIDSSO';
/** Idle life. */
const IDLE_MS = 30 * 60_000;
const MOST_SESSIONS = 10_000;

/** Sessions by cookie: who was signed in stays so while the cookie is used. */
export interface Sessions {
  /** The value of `Set-Cookie`. */
  open(account: Account): string;
  /** The account of the request's cookie; undefined when it has run out; null when there is no cookie. */
  find(cookieHeader: string | undefined): Account | undefined | null;
  clear(): void;
}

export function createSessions(clock: Clock): Sessions {
  const sessions = new LRUCache<string, { readonly account: Account; usedAt: number }>({ max: MOST_SESSIONS });
  return {
    open(account) {
      const id = randomBytes(16).toString('hex').toUpperCase();
      sessions.set(id, { account, usedAt: clock.monotonic() });
      return `${COOKIE}=${id}; Path=/; Secure; HttpOnly`;
    },
    find(cookieHeader) {
      const id = new RegExp(`(?:^|;)\\s*${COOKIE}="?([^;"\\s]+)`).exec(cookieHeader ?? '')?.[1];
      if (id === undefined) return null;
      const session = sessions.get(id);
      if (!session) return undefined;
      if (clock.monotonic() - session.usedAt > IDLE_MS) {
        sessions.delete(id);
        return undefined;
      }
      session.usedAt = clock.monotonic();
      return session.account;
    },
    clear: () => sessions.clear(),
  };
}
