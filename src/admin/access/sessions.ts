import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import type { Administrators } from '../../sign-in/administrators.ts';
import { isSameSecret } from '../admin-token.ts';
import type { Caller } from './caller.ts';

/** A sign-in at the console. */
export interface Session {
  readonly name: string;
  /** Proved by the admin token rather than by a password. */
  readonly isTokenHolder: boolean;
  /** What forms and scripts of our own pages send along; no other site can know it. */
  readonly csrfToken: string;
  readonly startedAt: number;
  /** Sentences for the next page, each shown once. */
  readonly messages: SessionMessage[];
}

export interface SessionMessage {
  readonly kind: 'done' | 'failed';
  readonly text: string;
}

export interface OpenedSession {
  /** The value of the cookie; kept nowhere but with the browser. */
  readonly id: string;
  readonly session: Session;
}

/** Sessions of the console. They live in memory: a node that starts anew asks everybody to sign in again. */
export interface Sessions {
  open(caller: Pick<Caller, 'name' | 'proof'>): OpenedSession;
  /** Who this is now: rights that CUCM has taken away meanwhile are gone. undefined: sign in (again). */
  find(id: string, address: string, isActivity: boolean): Promise<{ session: Session; caller: Caller } | undefined>;
  isCsrfToken(session: Session, given: string): boolean;
  close(id: string): void;
}

export interface SessionLimits {
  /** A session that nobody uses ends after this. */
  readonly idleMs: number;
  /** However busy, it ends after this. */
  readonly wholeMs: number;
  readonly sessions: number;
  readonly sessionsPerName: number;
}

const LIMITS: SessionLimits = { idleMs: 30 * 60_000, wholeMs: 12 * 3_600_000, sessions: 1_000, sessionsPerName: 20 };
const ID_BYTES = 32;

interface Kept {
  readonly session: Session;
  readonly until: number;
  lastUsed: number;
}

export function createSessions(
  clock: Clock,
  administrators: Pick<Administrators, 'find'>,
  limits: SessionLimits = LIMITS,
): Sessions {
  // By digest: whoever reads the memory of the node cannot become somebody else with it.
  const kept = new Map<string, Kept>();
  const keyOf = (id: string): string => createHash('sha256').update(id).digest('base64');

  const live = (key: string): Kept | undefined => {
    const found = kept.get(key);
    if (!found) return undefined;
    const now = clock.monotonic();
    if (now < found.until && now < found.lastUsed + limits.idleMs) return found;
    kept.delete(key);
    return undefined;
  };

  const makeRoom = (name: string): void => {
    for (const key of kept.keys()) live(key);
    const own = [...kept].filter(([, { session }]) => session.name === name);
    if (own.length >= limits.sessionsPerName) kept.delete((own[0] as [string, Kept])[0]);
    if (kept.size >= limits.sessions) kept.delete(kept.keys().next().value as string);
  };

  return {
    open({ name, proof }) {
      makeRoom(name);
      const id = randomBytes(ID_BYTES).toString('base64url');
      const session: Session = {
        name,
        isTokenHolder: proof === 'token',
        csrfToken: randomBytes(ID_BYTES).toString('base64url'),
        startedAt: clock.now(),
        messages: [],
      };
      kept.set(keyOf(id), { session, until: clock.monotonic() + limits.wholeMs, lastUsed: clock.monotonic() });
      return { id, session };
    },
    async find(id, address, isActivity) {
      const key = keyOf(id);
      const found = live(key);
      if (!found) return undefined;
      const { session } = found;
      const rights = session.isTokenHolder
        ? ({ name: session.name, role: 'operate' } as const)
        : await administrators.find(session.name);
      if (!rights) {
        kept.delete(key);
        return undefined;
      }
      if (isActivity) found.lastUsed = clock.monotonic();
      return { session, caller: { ...rights, proof: 'session', face: 'console', address } };
    },
    isCsrfToken: (session, given) => isSameSecret(given, session.csrfToken),
    close: (id) => void kept.delete(keyOf(id)),
  };
}
