import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Datastore, DatastoreEngine, Entry, RowOwner } from '../../datastore/datastore.ts';
import { createTurns } from '../../datastore/turns.ts';
import type { Clock } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import {
  type ClientSession,
  isSharedSession,
  type OneTimeToken,
  type SessionIndex,
  sessionDefinition,
  slotOf,
  tokenDefinition,
  type UserKind,
  userIndexOf,
} from './client-session.ts';
import { createSessionKeys, digestOf, newNonce, newToken } from './session-keys.ts';

export type { ClientSession, UserKind } from './client-session.ts';

const HOUR_MS = 60 * 60 * 1000;

const optionsSchema = z.strictObject({
  sessionIdleHours: z
    .number()
    .min(0.01)
    .max(8760)
    .default(24)
    .describe('Hours after its last use that a session ends.'),
  sessionsPerUser: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(10)
    .describe('Most sessions of one user; a further log-in ends the one least recently used.'),
  tokenSeconds: z
    .number()
    .int()
    .min(5)
    .max(300)
    .default(300)
    .describe('Seconds that a one-time password for the XMPP sign-in is good.'),
  tokensPerSession: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe('Most unused one-time passwords of a session.'),
  maxSessions: z
    .number()
    .int()
    .min(1)
    .default(250_000)
    .describe('Most sessions held; further log-ins are told to try later.'),
});

export type LoginDatastoreOptions = z.infer<typeof optionsSchema>;

export const loginDatastoreDescriptor: ServiceDescriptor<LoginDatastoreOptions> = {
  name: 'login-datastore',
  title: 'Cisco Login Datastore',
  purpose: 'A real-time database for storing client sessions to the Client Profile Agent.',
  kind: 'network',
  isXcp: false,
  dependsOn: [],
  waitsForDataMonitor: true,
  conformance: [],
  options: optionsSchema,
};

export interface SessionRequest {
  readonly kind: UserKind;
  readonly userPkid: string;
  readonly userid: string;
  readonly clientType: string;
  readonly clientVersion: string;
  /** The application session that signs the end user in. */
  readonly owner: ClientSession | null;
  /** The end user's node; null for application users. */
  readonly homeNodeId: number | null;
  /** The password that was just found right; null when none was given. */
  readonly password: string | null;
  /** A new key even when the slot has one; the old key stops at once. */
  readonly force: boolean;
}

/** Client sessions and one-time passwords. Every call rejects with kind `unavailable` while the service is stopped. */
export interface LoginDatastore {
  /** Opens a session or answers the key of the one that stands in its slot. @throws ImpError `datastore.full`, `login-datastore.owner-ended` */
  open(request: SessionRequest): Promise<{ readonly key: string; readonly session: ClientSession }>;
  /** The session of a key, its life renewed; undefined when the key is unknown or has ended. */
  find(key: string): Promise<ClientSession | undefined>;
  /** `ClientSession.id` for a key: names the session where the key must not be kept. */
  idOf(key: string): string;
  /** As `find`, by `ClientSession.id`. */
  findById(id: string): Promise<ClientSession | undefined>;
  /** Ends a session and those it owns; false when it had ended already. */
  end(session: ClientSession): Promise<boolean>;
  /** Ends every session of a user; answers how many. */
  endOfUser(kind: UserKind, userPkid: string): Promise<number>;
  /** A password turned out to be wrong: if a session was opened with it, it has been changed, and all sessions end. */
  passwordRefused(kind: UserKind, userPkid: string, password: string): Promise<number>;
  sessionsOfUser(kind: UserKind, userPkid: string): Promise<readonly ClientSession[]>;
  /** Every session, in no order. */
  sessions(): AsyncIterable<ClientSession>;
  /** Whether the Presence Web Service takes its key as well. */
  isShared(session: ClientSession): boolean;
  /** Hears every session that ends: log-out, expiry, replacement by a forced log-in. */
  onEnd(listener: (session: ClientSession) => void): Disposable;
  /** A one-time password for the XMPP sign-in of the session's user. */
  issueToken(session: ClientSession): Promise<string>;
  /** Uses a one-time password up: the session it stands for, or undefined when it is not good for this user. */
  redeemToken(token: string, userid: string): Promise<ClientSession | undefined>;
}

export interface LoginDatastoreNeeds {
  readonly engine: DatastoreEngine;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /**
   * This node and the epoch in which it serves the users of a home node (null: application users): stands in every row
   * that it writes. @throws ImpError kind `unavailable` while another node owns them
   */
  readonly servedBy: (homeNodeId: number | null) => RowOwner;
  /** Session keys are derived from it: nodes that share a store share it. Absent: a random one of this process. */
  readonly secret?: Uint8Array;
}

interface Stores {
  readonly sessions: Datastore<ClientSession, SessionIndex>;
  readonly tokens: Datastore<OneTimeToken, 'session'>;
}

type SessionEntry = Entry<ClientSession>;

export function createLoginDatastore(
  needs: LoginDatastoreNeeds,
  options: LoginDatastoreOptions,
): Service & LoginDatastore {
  const keys = createSessionKeys(needs.secret ?? randomBytes(32));
  const idleMs = options.sessionIdleHours * HOUR_MS;
  const evicted = needs.metrics.counter(
    'datastore_evicted_total',
    'Rows that made room for newer ones of the same user, since the start of the node',
    ['store'],
  );
  const sessionsEvicted = evicted.labels('login');
  const tokensEvicted = evicted.labels('login-token');
  const inTurn = createTurns();
  const endListeners = new Set<(session: ClientSession) => void>();
  let stores: Stores | undefined;
  let count = 0;

  const open = (): Stores => {
    if (!stores) throw new ImpError('unavailable', 'login-datastore.stopped', 'the Login Datastore is not running');
    return stores;
  };

  const entryById = async (id: string): Promise<SessionEntry | undefined> => {
    const entry = (await open().sessions.query('id', id))[0];
    if (!entry?.value.owner) return entry;
    // What an application opened is good only as long as the application's own session is.
    const [owner] = await open().sessions.query('id', entry.value.owner.sessionId);
    return owner && entry;
  };

  const endOwned = async (sessionId: string): Promise<number> => {
    let ended = 0;
    for (const { value } of await open().sessions.query('owner', sessionId)) if (await end(value)) ended += 1;
    return ended;
  };

  const end = async (session: ClientSession): Promise<boolean> => {
    const { sessions } = open();
    const removed = await sessions.delete(session.slot);
    const isOurs = removed?.id === session.id;
    // The slot was taken anew in between: its new session stays.
    if (removed && !isOurs) await sessions.putIfAbsent(removed.slot, removed, idleMs);
    await endOwned(session.id);
    return isOurs;
  };

  const entriesOfUser = (kind: UserKind, userPkid: string): Promise<readonly SessionEntry[]> =>
    open().sessions.query('user', userIndexOf(kind, userPkid));

  const endAll = async (entries: readonly SessionEntry[]): Promise<number> => {
    let ended = 0;
    for (const { value } of entries) if (await end(value)) ended += 1;
    return ended;
  };

  const endLeastRecentlyUsed = async (session: ClientSession): Promise<void> => {
    const entries = await entriesOfUser(session.kind, session.userPkid);
    const surplus = entries.length - options.sessionsPerUser;
    if (surplus <= 0) return;
    const oldestFirst = entries
      .filter(({ key }) => key !== session.slot)
      .sort((a, b) => (a.expiresInMs ?? 0) - (b.expiresInMs ?? 0) || a.value.openedAt - b.value.openedAt);
    sessionsEvicted.inc(await endAll(oldestFirst.slice(0, surplus)));
  };

  const openSession = async (request: SessionRequest): Promise<{ key: string; session: ClientSession }> => {
    const { sessions } = open();
    const passwordTag = request.password === null ? null : keys.passwordTag(request.userPkid, request.password);
    const known = await entriesOfUser(request.kind, request.userPkid);
    const isChanged = known.some(
      ({ value }) => passwordTag !== null && value.passwordTag !== null && value.passwordTag !== passwordTag,
    );
    if (isChanged) await endAll(known);
    const slot = slotOf({ ...request, ownerUserPkid: request.owner?.userPkid ?? null });
    const nonce = newNonce();
    const fresh: ClientSession = {
      id: digestOf(keys.keyOf(slot, nonce)),
      slot,
      kind: request.kind,
      userPkid: request.userPkid,
      userid: request.userid,
      clientType: request.clientType,
      clientVersion: request.clientVersion,
      owner: request.owner && { sessionId: request.owner.id, userPkid: request.owner.userPkid },
      servedBy: needs.servedBy(request.homeNodeId),
      homeNodeId: request.homeNodeId,
      passwordTag,
      nonce,
      openedAt: needs.clock.now(),
    };
    const previous = await sessions.get(slot);
    const isOrphan = previous?.owner != null && (await sessions.query('id', previous.owner.sessionId)).length === 0;
    let session: ClientSession;
    if (request.force || isOrphan) {
      session = fresh;
      await sessions.put(slot, session, idleMs);
      if (previous) await endOwned(previous.id);
    } else {
      session = await sessions.putIfAbsent(slot, fresh, idleMs);
      if (session.nonce !== nonce) {
        // The same key comes back; who signed in last, and how, is what counts from now on.
        const { id, nonce: kept, openedAt } = session;
        session = { ...fresh, id, nonce: kept, openedAt, passwordTag: passwordTag ?? session.passwordTag };
        await sessions.put(slot, session, idleMs);
      }
    }
    if (request.owner && (await sessions.query('id', request.owner.id)).length === 0) {
      // Logged out while it signed somebody in: what it opened must not be left behind.
      await end(session);
      throw new ImpError('conflict', 'login-datastore.owner-ended', 'the session of the application has ended');
    }
    await endLeastRecentlyUsed(session);
    return { key: keys.keyOf(slot, session.nonce), session };
  };

  const datastore: LoginDatastore = {
    // One log-in of a user after the other: the steps above must not mix with those of a second one.
    open: (request) => inTurn(userIndexOf(request.kind, request.userPkid), () => openSession(request)),

    find: (key) => datastore.findById(digestOf(key)),

    idOf: digestOf,

    async findById(id) {
      const entry = await entryById(id);
      if (!entry) return undefined;
      // A second more or less does not matter to a life of hours, and saves a write per request.
      if (entry.expiresInMs === null || entry.expiresInMs < idleMs - 1_000) {
        await open().sessions.touch(entry.key, idleMs);
      }
      return entry.value;
    },

    end,

    endOfUser: async (kind, userPkid) => await endAll(await entriesOfUser(kind, userPkid)),

    async passwordRefused(kind, userPkid, password) {
      const entries = await entriesOfUser(kind, userPkid);
      if (!entries.some(({ value }) => value.passwordTag !== null)) return 0;
      const tag = keys.passwordTag(userPkid, password);
      return entries.some(({ value }) => value.passwordTag === tag) ? await endAll(entries) : 0;
    },

    async sessionsOfUser(kind, userPkid) {
      return (await entriesOfUser(kind, userPkid)).map(({ value }) => value);
    },

    async *sessions() {
      for await (const { value } of open().sessions.entries()) yield value;
    },

    isShared: isSharedSession,

    onEnd(listener) {
      const own = (session: ClientSession): void => listener(session);
      endListeners.add(own);
      return { [Symbol.dispose]: () => void endListeners.delete(own) };
    },

    async issueToken(session) {
      const { tokens } = open();
      const entry = await entryById(session.id);
      if (!entry) throw new ImpError('not-found', 'login-datastore.session-ended', 'the session has ended');
      const unused = [...(await tokens.query('session', session.id))];
      unused.sort((a, b) => (a.expiresInMs ?? 0) - (b.expiresInMs ?? 0));
      for (const { key } of unused.slice(0, Math.max(0, unused.length + 1 - options.tokensPerSession))) {
        if (await tokens.delete(key)) tokensEvicted.inc();
      }
      const token = newToken();
      const life = Math.min(options.tokenSeconds * 1_000, entry.expiresInMs ?? Number.POSITIVE_INFINITY);
      const { id: sessionId, userPkid, userid, homeNodeId } = session;
      await tokens.put(digestOf(token), { sessionId, userPkid, userid, servedBy: needs.servedBy(homeNodeId) }, life);
      return token;
    },

    async redeemToken(token, userid) {
      const found = await open().tokens.delete(digestOf(token));
      if (!found || found.userid.toLowerCase() !== userid.toLowerCase()) return undefined;
      return (await entryById(found.sessionId))?.value;
    },
  };

  return {
    ...datastore,
    async start(scope) {
      const sessions = needs.engine.open(sessionDefinition(options.maxSessions));
      const tokens = needs.engine.open(tokenDefinition(options.maxSessions));
      stores = { sessions, tokens };
      scope.defer(() => {
        stores = undefined;
      });
      const watch = sessions.watch((event) => {
        const isEnded = event.kind !== 'put' || (event.previous !== undefined && event.previous.id !== event.value.id);
        if (isEnded && event.previous) for (const listener of endListeners) listener(event.previous);
        if (event.kind === 'put') {
          if (event.previous === undefined) count += 1;
          return;
        }
        count -= 1;
        if (event.kind === 'expire' && event.previous.kind === 'applicationuser') {
          scope.run(async () => {
            if (stores) await endOwned(event.previous.id);
          });
        }
      });
      scope.defer(() => watch[Symbol.dispose]());
      count = await sessions.size();
      for await (const { value } of sessions.entries()) {
        if (value.owner && (await sessions.query('id', value.owner.sessionId)).length === 0) await end(value);
      }
      needs.log.info({ sessions: count }, 'login datastore ready');
    },
    detail: () => (stores ? `holds ${count} client session${count === 1 ? '' : 's'}` : 'closed'),
  };
}
