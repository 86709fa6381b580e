import {
  addressed,
  childText,
  type Jid,
  type Presence,
  presence,
  StanzaError,
  seesContact,
  seesUser,
} from '../../../xmpp/xmpp.ts';
import type { LocalUser } from '../components/component.ts';
import type { ComponentRegistry } from '../components/registry.ts';
import type { Rosters } from '../roster/rosters.ts';
import type { Routing } from '../routing/router.ts';
import type { Session } from '../sessions/session.ts';
import type { PresenceFanOut } from './presence-fan-out.ts';
import type { Subscriptions } from './subscriptions.ts';

export interface ClientPresenceNeeds {
  readonly fanOut: PresenceFanOut;
  readonly subscriptions: Subscriptions;
  readonly rosters: Rosters;
  readonly components: ComponentRegistry;
  readonly routing: () => Routing;
  /** What waits for a user who has come: stored messages, requests. */
  readonly onAvailable: (session: Session) => Promise<void>;
  /** The presence of a resource for every other interface; undefined when it is gone. */
  readonly publish: (session: Session) => void;
  readonly left: (user: LocalUser, said: Presence['element']) => void;
}

/** How many addresses one session may have written presence to on its own. */
const MAX_DIRECTED = 1_000;

/** Presence that clients of ours send (RFC 6121 3, 4). */
export function createClientPresence(needs: ClientPresenceNeeds) {
  const { fanOut, subscriptions, components } = needs;

  const toEverybody = async (session: Session, stanza: Presence): Promise<void> => {
    const { account } = session;
    const priority = priorityOf(stanza);
    const element = addressed(stanza.element, { from: session.jid, to: null });
    const wasTaking = session.takesMessages;
    const isFirst = !session.isAvailable;
    session.priority = priority;
    session.presence = element;
    account.conversations.forEach((resource, peer) => {
      // A resource that has said how it is anew begins its conversations anew (RFC 6121 5.1).
      if (resource === session.jid.resource) account.conversations.delete(peer);
    });
    needs.publish(session);
    await fanOut.available(session, element, isFirst);
    if (isFirst) components.sessionChanged({ kind: 'available', user: account.user, jid: session.jid });
    if (!wasTaking && session.takesMessages) await needs.onAvailable(session);
  };

  const gone = async (session: Session, stanza: Presence): Promise<void> => {
    if (!session.isAvailable) return;
    await leave(session, addressed(stanza.element, { from: session.jid, to: null }));
  };

  const leave = async (session: Session, element: Presence['element']): Promise<void> => {
    const { account } = session;
    session.presence = undefined;
    for (const [peer, resource] of account.conversations) {
      if (resource === session.jid.resource) account.conversations.delete(peer);
    }
    needs.publish(session);
    needs.left(account.user, element);
    await fanOut.unavailable(session, element);
    components.sessionChanged({ kind: 'unavailable', user: account.user, jid: session.jid });
  };

  const directed = async (session: Session, stanza: Presence, to: Jid): Promise<void> => {
    const item = (await needs.rosters.of(session.account)).get(to.bare);
    const isSubscribed = item !== undefined && seesUser(item.subscription.state) && session.isAvailable;
    if (stanza.type === 'unavailable') session.directed.delete(to.full);
    else if (!isSubscribed) {
      if (session.directed.size >= MAX_DIRECTED)
        throw new StanzaError('resource-constraint', 'too many are told already');
      session.directed.set(to.full, to);
    }
    await needs.routing().route(stanza, { kind: 'client', session });
  };

  return {
    /** @throws ImpError what the client is told */
    async sent(session: Session, stanza: Presence): Promise<void> {
      const { type, to } = stanza;
      switch (type) {
        case 'subscribe':
        case 'subscribed':
        case 'unsubscribe':
        case 'unsubscribed':
          if (to === null) throw new StanzaError('bad-request', 'a subscription is with somebody');
          return await subscriptions.outbound(session.account.user, { ...stanza, to }, type);
        case 'available':
          return to === null ? await toEverybody(session, stanza) : await directed(session, stanza, to);
        case 'unavailable':
          return to === null ? await gone(session, stanza) : await directed(session, stanza, to);
        case 'probe':
          // Probes are the server's to send (RFC 6121 4.3).
          throw new StanzaError('not-allowed', 'probes are sent by servers');
        case 'error':
          if (to !== null) await needs.routing().route(stanza, { kind: 'client', session });
          return;
      }
    },
    /** The session is over: says so for it, where it has not itself. */
    async ended(session: Session): Promise<void> {
      const element = presence({ from: session.jid, type: 'unavailable' });
      if (session.isAvailable) await leave(session, element);
      else if (session.directed.size > 0) {
        for (const to of session.directed.values()) {
          await needs.routing().send(addressed(element, { to }), { kind: 'router' });
        }
        session.directed.clear();
      }
    },
    /** Whom the contact list shows requests or answers for, when a resource comes: asks again for what is pending. */
    async askAgain(session: Session): Promise<void> {
      for (const item of (await needs.rosters.of(session.account)).values()) {
        const { state } = item.subscription;
        if (state.includes('+out') && !seesContact(state)) await subscriptions.ask(session.account.user, item);
      }
    },
  };
}

export type ClientPresence = ReturnType<typeof createClientPresence>;

/** RFC 6121 4.7.2.3. @throws StanzaError `bad-request` */
function priorityOf(stanza: Presence): number {
  const text = childText(stanza.element, 'priority')?.trim();
  if (text === undefined || text === '') return 0;
  const priority = Number(text);
  if (!/^[+-]?\d{1,3}$/.test(text) || priority < -128 || priority > 127) {
    throw new StanzaError('bad-request', 'priority is a number from -128 to 127');
  }
  return priority;
}
