import { element } from '../../../xml/element.ts';
import {
  carbonCopy,
  type Iq,
  isCarbonEligible,
  type Message,
  NS,
  type Presence,
  type Stanza,
  StanzaError,
  withoutPrivateMark,
} from '../../../xmpp/xmpp.ts';
import type { LocalUser } from '../components/component.ts';
import type { RouterCounters } from '../counters.ts';
import type { Judgement } from '../presence/permissions.ts';
import type { Account, Accounts } from '../sessions/account.ts';
import type { Session } from '../sessions/session.ts';
import type { Origin } from './origin.ts';
import { type Delivery, decideDelivery } from './routing-table.ts';

export interface LocalDeliveryNeeds {
  readonly accounts: Accounts;
  readonly counters: RouterCounters;
  /** Stanzas kept for a session whose connection is broken. */
  readonly keepAtMost: number;
  /** What the user's rules say of the sender; undefined where they do not speak (the user itself, the server). */
  readonly judge: (owner: LocalUser, stanza: Stanza) => Judgement | undefined | Promise<Judgement | undefined>;
  readonly isComponent: (domain: string) => boolean;
  /** Keeps a message for later. @throws StanzaError `service-unavailable` when nothing is kept */
  readonly store: (user: LocalUser, message: Message) => Promise<void>;
  /** Subscriptions and probes. */
  readonly toAccount: {
    readonly presence: (user: LocalUser, stanza: Presence, origin: Origin) => Promise<void>;
    readonly iq: (user: LocalUser, stanza: Iq, origin: Origin) => Promise<void>;
  };
}

/** Delivers to a user of this node by the routing table. */
export function createLocalDelivery(needs: LocalDeliveryNeeds) {
  const { accounts, counters, keepAtMost } = needs;

  const give = (session: Session, stanza: Stanza): boolean => {
    const isDelivered = session.deliver(stanza.element, keepAtMost);
    if (isDelivered) counters.stanza('out', stanza);
    return isDelivered;
  };

  const toResources = async (
    user: LocalUser,
    stanza: Stanza,
    wanted: Iterable<Session>,
    account: Account,
  ): Promise<void> => {
    const reached = new Set<Session>();
    const copy = stanza.kind === 'message' ? withoutMark(stanza) : stanza;
    for (const session of wanted) if (give(session, copy)) reached.add(session);
    if (stanza.kind === 'message') {
      if (reached.size === 0) return await keep(user, stanza);
      carbons('received', stanza, account, reached);
    } else if (reached.size === 0 && stanza.kind === 'iq' && (stanza.type === 'get' || stanza.type === 'set')) {
      throw new StanzaError('service-unavailable', '');
    }
  };

  const carbons = (
    way: 'sent' | 'received',
    message: Message,
    account: Account,
    without: ReadonlySet<Session>,
  ): void => {
    if (account.sessions.size <= without.size || !isCarbonEligible(message.element, message.type)) return;
    for (const session of account.sessions.values()) {
      if (!session.hasCarbons || without.has(session)) continue;
      session.deliver(carbonCopy(way, message.element, session.jid, account.user.jid), keepAtMost);
    }
  };

  const keep = async (user: LocalUser, message: Message): Promise<void> => {
    // A state of the chat is of no use later (XEP-0160 3).
    if (element(message.element, 'body', NS.client) === undefined) return;
    await needs.store(user, message);
  };

  const inConversation = (account: Account, message: Message): Iterable<Session> => {
    const resource = account.conversations.get(message.from?.bare ?? '');
    const chosen = resource === undefined ? undefined : account.sessions.get(resource);
    if (chosen?.takesMessages) return [chosen];
    return [...account.sessions.values()].filter((session) => session.takesMessages);
  };

  const perform = async (delivery: Delivery, user: LocalUser, stanza: Stanza, origin: Origin): Promise<void> => {
    const account = accounts.find(user.jid.bare);
    const sessions = account === undefined ? [] : [...account.sessions.values()];
    switch (delivery.do) {
      case 'resource': {
        const session = account?.sessions.get(stanza.to?.resource ?? '');
        if (account && session) await toResources(user, stanza, [session], account);
        return;
      }
      case 'conversation':
        if (account && stanza.kind === 'message') {
          await toResources(user, stanza, inConversation(account, stanza), account);
        }
        return;
      case 'non-negative':
        for (const session of sessions) if (session.takesMessages) give(session, stanza);
        return;
      case 'available':
        for (const session of sessions) if (session.isAvailable) give(session, stanza);
        return;
      case 'store':
        if (stanza.kind === 'message') await keep(user, stanza);
        return;
      case 'account':
        if (stanza.kind === 'presence') await needs.toAccount.presence(user, stanza, origin);
        else if (stanza.kind === 'iq') await needs.toAccount.iq(user, stanza, origin);
        return;
      case 'refuse':
        throw new StanzaError('service-unavailable', '');
      case 'ignore':
        return;
    }
  };

  /** A blocked sender gets what it would get of somebody who is not there (XEP-0191 3.6). */
  const isBlocked = async (user: LocalUser, stanza: Stanza): Promise<boolean> => {
    const found = needs.judge(user, stanza);
    const judged = found instanceof Promise ? await found : found;
    if (judged?.decision !== 'block') return false;
    // Where nobody may see anybody, people still write to each other.
    if (judged.reason === 'sharing') return stanza.kind === 'presence';
    // General privacy is about people: a room or the server is blocked by name only.
    return !(needs.isComponent(stanza.from?.domain ?? '') && judged.reason === 'privacy');
  };

  return {
    carbons,
    /** @throws ImpError what the sender is told */
    async deliver(user: LocalUser, stanza: Stanza, origin: Origin): Promise<void> {
      if (await isBlocked(user, stanza)) {
        const isAnswer = stanza.type === 'error' || stanza.type === 'result';
        if (stanza.kind === 'presence' || isAnswer) return;
        throw new StanzaError('service-unavailable', '');
      }
      const account = accounts.find(user.jid.bare);
      const resource = stanza.to?.resource ?? null;
      const delivery = decideDelivery({
        stanza,
        isFull: resource !== null,
        isConnected: resource !== null && account?.sessions.has(resource) === true,
        hasAvailable: account?.takesMessages === true,
        hasAnyAvailable: account?.isAvailable === true,
      });
      await perform(delivery, user, stanza, origin);
    },
  };
}

export type LocalDelivery = ReturnType<typeof createLocalDelivery>;

function withoutMark(message: Message): Message {
  return element(message.element, 'private', NS.carbons) === undefined
    ? message
    : { ...message, element: withoutPrivateMark(message.element) };
}
