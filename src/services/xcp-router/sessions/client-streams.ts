import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../platform/clock.ts';
import { describeError } from '../../../platform/errors.ts';
import type { Log } from '../../../platform/log.ts';
import type { XmlElement } from '../../../xml/element.ts';
import {
  createStreamManagement,
  el,
  type Jid,
  NS,
  type ServerStream,
  type ServerStreamOwner,
  StanzaError,
  StreamError,
  type StreamManagementElement,
  seeOtherHost,
  smAnswer,
  smEnabled,
  smFailed,
  smFeature,
  toStreamError,
  withResource,
} from '../../../xmpp/xmpp.ts';
import type { LocalUser } from '../components/component.ts';
import type { RouterCounters } from '../counters.ts';
import { COMPOSED } from '../presence/composed-sessions.ts';
import type { Sdns } from '../sdns/sdns.ts';
import type { Accounts } from './account.ts';
import { Inbox, type Pressure } from './inbox.ts';
import { type Sent, Session } from './session.ts';

export interface ClientStreamsNeeds {
  readonly sdns: Sdns;
  readonly accounts: Accounts;
  readonly pressure: Pressure;
  readonly counters: RouterCounters;
  readonly clock: Clock;
  readonly log: Log;
  /** Handles one stanza of a client; resolves when it may be acknowledged. */
  readonly stanza: (session: Session, element: XmlElement) => Promise<void>;
  /** The session is over: everybody is told, and what it had not acknowledged finds another way. */
  readonly ended: (session: Session, unacknowledged: readonly Sent[], isOrderly: boolean) => Promise<void>;
  readonly acknowledged: (done: readonly Sent[]) => void | Promise<void>;
}

export interface ClientStreamsLimits {
  readonly sessionsPerUser: number;
  readonly resumeMs: number;
  readonly acknowledgeEvery: number;
}

/** Sessions of the router as Connection Managers drive them: everything of a stream but how somebody signs in. */
export interface ClientStreams extends Omit<ServerStreamOwner, 'sasl'> {
  /** Ends every session, with a reason; resolves when all are over. */
  endAll(error: StreamError): Promise<void>;
  /** Ends the sessions of one user. */
  endUser(bare: string, error: StreamError): Promise<void>;
}

/** A client that acknowledges nothing for so long is given up. */
const MOST_UNACKNOWLEDGED = 1_000;
const FEATURES = [smFeature, el(NS.preApproval, 'sub'), el(NS.clientState, 'csi')];

export function createClientStreams(needs: ClientStreamsNeeds, limits: ClientStreamsLimits): ClientStreams {
  const { sdns, accounts, counters, clock } = needs;
  const byStream = new Map<ServerStream, Session>();
  const byResumeId = new Map<string, Session>();
  const timers = new Map<Session, Disposable>();
  const ending = new Set<Promise<void>>();

  let sessionCount = 0;
  const count = (more: 1 | -1): void => {
    sessionCount += more;
    counters.sessions.set(sessionCount);
    counters.sessionsTotal.set(sessionCount);
    counters.onlineUsers.set(accounts.size);
  };

  const home = async (user: Jid): Promise<LocalUser> => {
    const place = await sdns.lookup(user);
    if (place.kind === 'local') return place.user;
    if (place.kind === 'node') throw seeOtherHost(place.node.address);
    if (place.kind === 'peer' && place.node !== '') throw seeOtherHost(place.node);
    throw new StanzaError('not-allowed', 'the user is not served here');
  };

  const forget = (session: Session): void => {
    timers.get(session)?.[Symbol.dispose]();
    timers.delete(session);
    if (session.resumeId !== undefined) byResumeId.delete(session.resumeId);
    if (session.stream !== undefined) byStream.delete(session.stream);
    const { sessions } = session.account;
    if (sessions.get(session.jid.resource ?? '') === session) sessions.delete(session.jid.resource ?? '');
  };

  /** Over for good. What the client had still sent is handled before. */
  const finish = (session: Session, isOrderly: boolean, error?: StreamError): void => {
    if (session.isEnded) return;
    const { stream } = session;
    session.isEnded = true;
    forget(session);
    session.stream = undefined;
    session.onAcknowledged?.();
    if (error !== undefined) stream?.end(error);
    counters.ended.inc();
    const over = new Promise<void>((resolve) => {
      session.inbox.push(async () => {
        try {
          await needs.ended(session, session.management?.unacknowledged ?? [], isOrderly);
        } catch (cause) {
          needs.log.error({ err: describeError(cause) }, 'the end of a session could not be told');
        }
        accounts.close(session.account);
        count(-1);
        resolve();
      });
    });
    ending.add(over);
    void over.then(() => ending.delete(over));
  };

  const suspend = (session: Session): void => {
    session.stream = undefined;
    session.onAcknowledged?.();
    counters.suspended.inc();
    timers.set(
      session,
      clock.schedule(limits.resumeMs, () => {
        counters.expired.inc();
        finish(session, false);
      }),
    );
  };

  const enable = (session: Session, stream: ServerStream, wantsResume: boolean): void => {
    if (session.management !== undefined) {
      stream.send(smFailed('unexpected-request'));
      return;
    }
    session.management = createStreamManagement<Sent>({
      requestEvery: limits.acknowledgeEvery,
      maxUnacknowledged: MOST_UNACKNOWLEDGED,
    });
    if (wantsResume) {
      session.resumeId = randomBytes(18).toString('base64url');
      byResumeId.set(session.resumeId, session);
    }
    stream.send(smEnabled(session.resumeId ?? null, session.resumeId === undefined ? null : limits.resumeMs / 1_000));
  };

  const manage = async (session: Session, stream: ServerStream, said: StreamManagementElement): Promise<void> => {
    switch (said.kind) {
      case 'enable':
        return enable(session, stream, said.wantsResume);
      case 'request':
        if (session.management !== undefined) stream.send(smAnswer(session.management.handled));
        return;
      case 'answer': {
        const done = session.management?.acknowledged(said.handled) ?? [];
        session.onAcknowledged?.();
        return await needs.acknowledged(done);
      }
      default:
        stream.send(smFailed('unexpected-request'));
    }
  };

  const handle = async (session: Session, element: XmlElement): Promise<void> => {
    try {
      await needs.stanza(session, element);
    } catch (error) {
      needs.log.error({ err: describeError(error) }, 'a stanza could not be handled');
      session.stream?.end(toStreamError(error));
    }
    session.management?.received();
    if (session.unacknowledged > MOST_UNACKNOWLEDGED) {
      session.stream?.end(new StreamError('policy-violation', 'nothing is acknowledged'));
    }
  };

  return {
    sessionFeatures: () => FEATURES,

    async bind(user, resource, stream) {
      const owner = await home(user);
      const account = accounts.open(owner);
      // The composed session of the user has that name.
      const wanted = resource === COMPOSED ? null : resource;
      const jid = withResource(owner.jid, wanted ?? randomBytes(9).toString('base64url'));
      const name = jid.resource ?? '';
      const known = account.sessions.get(name);
      // RFC 6120 7.7.2.2: who binds a resource anew is the same client come back.
      if (known !== undefined) finish(known, true, new StreamError('conflict', 'the resource was bound anew'));
      else if (account.sessions.size >= limits.sessionsPerUser) {
        throw new StanzaError('resource-constraint', 'the user has as many sessions as are allowed');
      }
      const session = new Session(
        account,
        jid,
        new Inbox(needs.pressure, (isHeld) => (isHeld ? session.stream?.pause() : session.stream?.resume())),
        stream,
      );
      session.lastActive = clock.monotonic();
      account.sessions.set(name, session);
      byStream.set(stream, session);
      counters.created.inc();
      count(1);
      return jid;
    },

    async resume(user, { id, handled }, stream) {
      const session = byResumeId.get(id);
      if (session?.management === undefined || session.account.user.jid.bare !== user.bare) {
        throw new StanzaError('item-not-found', 'there is no such session');
      }
      timers.get(session)?.[Symbol.dispose]();
      timers.delete(session);
      const old = session.stream;
      session.stream = undefined;
      if (old !== undefined) {
        byStream.delete(old);
        old.end(new StreamError('conflict', 'the session goes on elsewhere'));
      }
      byStream.set(stream, session);
      await session.inbox.whenIdle();
      const done = session.management.acknowledged(handled);
      await needs.acknowledged(done);
      return { jid: session.jid, handled: session.management.handled };
    },

    established(_jid, isResumed, stream) {
      if (!isResumed) return;
      const session = byStream.get(stream);
      if (session === undefined) return;
      session.stream = stream;
      counters.resumed.inc();
      for (const { element } of session.management?.unacknowledged ?? []) stream.send(element);
    },

    stanza(element, stream) {
      const session = byStream.get(stream);
      if (session === undefined) return;
      session.lastActive = clock.monotonic();
      session.inbox.push(() => handle(session, element));
    },

    management(said, stream) {
      const session = byStream.get(stream);
      if (session === undefined) return;
      session.inbox.push(async () => {
        try {
          await manage(session, stream, said);
        } catch (error) {
          stream.end(toStreamError(error));
        }
      });
    },

    clientState(isActive, stream) {
      const session = byStream.get(stream);
      if (session !== undefined) session.isInactive = !isActive;
    },

    closed(end, stream) {
      const session = byStream.get(stream);
      byStream.delete(stream);
      // Another stream may have taken the session over already.
      if (session === undefined || session.isEnded || (session.stream !== undefined && session.stream !== stream))
        return;
      if (!end.isOrderly && session.resumeId !== undefined) suspend(session);
      else finish(session, end.isOrderly);
    },

    async endAll(error) {
      for (const account of accounts.all()) {
        for (const session of account.sessions.values()) finish(session, false, error);
      }
      await Promise.all(ending);
    },

    async endUser(bare, error) {
      for (const session of accounts.find(bare)?.sessions.values() ?? []) finish(session, false, error);
      await Promise.all(ending);
    },
  };
}
