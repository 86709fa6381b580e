import { attribute, type XmlElement } from '../../../xml/element.ts';
import {
  addressed,
  bareJid,
  el,
  type Jid,
  NS,
  presence,
  type Stanza,
  seesContact,
  seesUser,
} from '../../../xmpp/xmpp.ts';
import type { LocalUser } from '../components/component.ts';
import type { RosterItem } from '../roster/roster.ts';
import type { Rosters } from '../roster/rosters.ts';
import { ROUTER } from '../routing/origin.ts';
import type { Routing } from '../routing/router.ts';
import type { Account, Accounts } from '../sessions/account.ts';
import type { Session } from '../sessions/session.ts';
import type { Permissions } from './permissions.ts';

export interface PresenceFanOutNeeds {
  readonly accounts: Accounts;
  readonly rosters: Rosters;
  readonly permissions: Permissions;
  readonly routing: () => Routing;
  /** What the composed session of the user says; undefined when no source but XMPP says anything. */
  readonly composed: (user: LocalUser) => Promise<XmlElement | undefined>;
  readonly keepAtMost: number;
}

/** Who is told about a user's presence, and who tells it (RFC 6121 4). */
export function createPresenceFanOut(needs: PresenceFanOutNeeds) {
  const { accounts, rosters, permissions, keepAtMost } = needs;

  const send = (element: XmlElement, to: Jid): Promise<void> =>
    needs.routing().send(addressed(element, { to }), ROUTER);

  /** A subscription is the user's own yes, which "ask" asks for; a block goes before it. */
  const mayWatch = async (user: LocalUser, watcher: Jid, item: RosterItem | undefined): Promise<boolean> => {
    const { decision } = await permissions.judge(user, watcher);
    if (decision === 'allow') return true;
    return decision === 'ask' && item !== undefined && seesUser(item.subscription.state);
  };

  /** All that is said about a user who is here: its resources, and its composed session. */
  const presencesOf = async (user: LocalUser): Promise<readonly XmlElement[]> => {
    const resources = [...(accounts.find(user.jid.bare)?.available() ?? [])].flatMap(
      ({ presence: said }) => said ?? [],
    );
    const composed = await needs.composed(user);
    return composed === undefined ? resources : [...resources, composed];
  };

  const goneOf = (said: XmlElement): XmlElement =>
    el(NS.client, 'presence', { from: attribute(said, 'from'), type: 'unavailable' });

  const toOwnResources = (account: Account, element: XmlElement): void => {
    for (const other of account.available()) other.deliver(addressed(element, { to: other.jid }), keepAtMost);
  };

  /** To everybody subscribed who may see it; the others are remembered as told nothing. */
  const toSubscribers = async (account: Account, element: XmlElement): Promise<void> => {
    const roster = await rosters.of(account);
    for (const [bare, item] of roster) {
      if (!seesUser(item.subscription.state)) continue;
      if (await mayWatch(account.user, item.jid, item)) {
        account.hiddenFrom.delete(bare);
        await send(element, item.jid);
      } else account.hiddenFrom.add(bare);
    }
  };

  return {
    mayWatch,
    toOwnResources,

    /** RFC 6121 4.2, 4.4: presence without an address. `isFirst`: the session becomes available by it. */
    async available(session: Session, element: XmlElement, isFirst: boolean): Promise<void> {
      const { account } = session;
      toOwnResources(account, element);
      if (isFirst) {
        for (const said of await presencesOf(account.user)) {
          if (attribute(said, 'from') !== session.jid.full) {
            session.deliver(addressed(said, { to: session.jid }), keepAtMost);
          }
        }
      }
      await toSubscribers(account, element);
      if (!isFirst) return;
      const roster = await rosters.of(account);
      for (const item of roster.values()) {
        if (seesContact(item.subscription.state)) {
          await send(presence({ from: session.jid, type: 'probe' }), item.jid);
        }
      }
    },

    /** RFC 6121 4.5: the session is available no more; whom it wrote to on its own hear of it too. */
    async unavailable(session: Session, element: XmlElement): Promise<void> {
      const { account } = session;
      toOwnResources(account, element);
      const told = new Set<string>();
      const roster = await rosters.of(account);
      for (const [bare, item] of roster) {
        if (!seesUser(item.subscription.state) || account.hiddenFrom.has(bare)) continue;
        told.add(bare);
        await send(element, item.jid);
      }
      const directed = [...session.directed.values()];
      session.directed.clear();
      for (const jid of directed) if (!told.has(jid.bare)) await send(element, jid);
    },

    /** All presence of the user to one contact: its subscription, or the permission, has begun. */
    async toContact(user: LocalUser, contact: Jid): Promise<void> {
      const account = accounts.find(user.jid.bare);
      const roster = account ? await rosters.of(account) : await rosters.ofUser(user);
      if (!(await mayWatch(user, contact, roster.get(contact.bare)))) return;
      account?.hiddenFrom.delete(contact.bare);
      for (const said of await presencesOf(user)) await send(said, bareJid(contact));
    },

    /** The contrary (RFC 6121 3.2.2, 3.3.3). */
    async unavailableToContact(user: LocalUser, contact: Jid): Promise<void> {
      for (const said of await presencesOf(user)) await send(goneOf(said), bareJid(contact));
    },

    /** The composed session says something new, or is gone. */
    async composedChanged(user: LocalUser, said: XmlElement): Promise<void> {
      const account = accounts.find(user.jid.bare);
      const roster = account ? await rosters.of(account) : await rosters.ofUser(user);
      for (const item of roster.values()) {
        if (seesUser(item.subscription.state) && (await mayWatch(user, item.jid, item))) await send(said, item.jid);
      }
      if (account) toOwnResources(account, said);
    },

    /** RFC 6121 4.3.2: what a probe is answered with. */
    async answerProbe(user: LocalUser, probe: Stanza): Promise<void> {
      const watcher = probe.from;
      if (watcher === null) return;
      const account = accounts.find(user.jid.bare);
      const item = (account ? await rosters.of(account) : await rosters.ofUser(user)).get(watcher.bare);
      const isOwn = watcher.bare === user.jid.bare;
      if (!isOwn && !(item !== undefined && seesUser(item.subscription.state))) {
        // 4.3.2.1: whoever is not subscribed is told so, unless the user has blocked it.
        if ((await permissions.judge(user, watcher)).decision !== 'block') {
          await send(presence({ from: user.jid, type: 'unsubscribed' }), watcher);
        }
        return;
      }
      if (!isOwn && !(await mayWatch(user, watcher, item))) return;
      for (const said of await presencesOf(user)) await send(said, watcher);
    },

    /** Rules have changed: subscribers who may not see any more are told "unavailable", the others presence. */
    async reconsider(account: Account): Promise<void> {
      const roster = await rosters.of(account);
      for (const [contact, item] of roster) {
        if (!seesUser(item.subscription.state)) continue;
        const isVisible = await mayWatch(account.user, item.jid, item);
        if (isVisible === !account.hiddenFrom.has(contact)) continue;
        if (isVisible) account.hiddenFrom.delete(contact);
        else account.hiddenFrom.add(contact);
        for (const said of await presencesOf(account.user)) await send(isVisible ? said : goneOf(said), item.jid);
      }
    },
  };
}

export type PresenceFanOut = ReturnType<typeof createPresenceFanOut>;
