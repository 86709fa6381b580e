import type { XmlElement } from '../../../xml/element.ts';
import { addressed, bareJid, type Jid, presence, type Stanza, seesContact, seesUser } from '../../../xmpp/xmpp.ts';
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

  const unavailableOf = (jid: Jid): XmlElement => presence({ from: jid, type: 'unavailable' });

  return {
    mayWatch,
    toOwnResources,

    /** RFC 6121 4.2, 4.4: presence without an address. `isFirst`: the session becomes available by it. */
    async available(session: Session, element: XmlElement, isFirst: boolean): Promise<void> {
      const { account } = session;
      toOwnResources(account, element);
      if (isFirst) {
        for (const other of account.available()) {
          if (other !== session && other.presence !== undefined) {
            session.deliver(addressed(other.presence, { to: session.jid }), keepAtMost);
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

    /** Presence of every available resource to one contact: its subscription, or the permission, has begun. */
    async toContact(user: LocalUser, contact: Jid): Promise<void> {
      const account = accounts.find(user.jid.bare);
      if (account === undefined) return;
      const item = (await rosters.of(account)).get(contact.bare);
      if (!(await mayWatch(user, contact, item))) return;
      account.hiddenFrom.delete(contact.bare);
      for (const session of account.available()) if (session.presence) await send(session.presence, bareJid(contact));
    },

    /** The contrary (RFC 6121 3.2.2, 3.3.3). */
    async unavailableToContact(user: LocalUser, contact: Jid): Promise<void> {
      const account = accounts.find(user.jid.bare);
      if (account === undefined) return;
      for (const session of account.available()) await send(unavailableOf(session.jid), bareJid(contact));
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
      for (const session of account?.available() ?? []) {
        if (session.presence) await send(session.presence, watcher);
      }
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
        for (const session of account.available()) {
          if (isVisible && session.presence) await send(session.presence, item.jid);
          else if (!isVisible) await send(unavailableOf(session.jid), item.jid);
        }
      }
    },
  };
}

export type PresenceFanOut = ReturnType<typeof createPresenceFanOut>;
