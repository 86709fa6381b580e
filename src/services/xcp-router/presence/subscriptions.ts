import type { Ids } from '../../../ids/ids.ts';
import { serialise } from '../../../xml/serialise.ts';
import {
  addressed,
  bareJid,
  type Jid,
  type Presence,
  presence,
  StanzaError,
  type SubscriptionEffect,
  type SubscriptionStanza,
  stanzasOfRemoval,
  subscriptionStep,
} from '../../../xmpp/xmpp.ts';
import type { LocalUser } from '../components/component.ts';
import type { RosterItem } from '../roster/roster.ts';
import { type ContactName, itemOf, nameOf, readRoster, removeItem, saveSubscription } from '../roster/roster-store.ts';
import type { Rosters } from '../roster/rosters.ts';
import { ROUTER } from '../routing/origin.ts';
import type { Routing } from '../routing/router.ts';
import type { Sdns } from '../sdns/sdns.ts';
import type { Accounts } from '../sessions/account.ts';
import type { Permissions } from './permissions.ts';
import type { PresenceFanOut } from './presence-fan-out.ts';

export interface SubscriptionsNeeds {
  readonly ids: Ids;
  readonly accounts: Accounts;
  readonly rosters: Rosters;
  readonly sdns: Sdns;
  readonly permissions: Permissions;
  readonly fanOut: PresenceFanOut;
  readonly routing: () => Routing;
  readonly keepAtMost: number;
  readonly maxItems: number;
}

/** Subscriptions of RFC 6121 3, kept in the IDS: each step is one transaction, and what follows of it comes after. */
export function createSubscriptions(needs: SubscriptionsNeeds) {
  const { ids, accounts, rosters, sdns, permissions, fanOut, keepAtMost } = needs;

  const send = (type: SubscriptionStanza, from: Jid, to: Jid): Promise<void> =>
    needs.routing().send(presence({ type, from: bareJid(from), to: bareJid(to) }), ROUTER);

  const contactName = async (jid: Jid): Promise<ContactName> => {
    const place = await sdns.lookup(jid);
    return nameOf(jid, 'user' in place ? place.user?.userid : undefined);
  };

  /** One step in one transaction. Answers what is to follow. */
  const step = async (
    user: LocalUser,
    contact: Jid,
    event: `${'in' | 'out'}:${SubscriptionStanza}`,
    request: string,
  ): Promise<readonly SubscriptionEffect[]> => {
    const name = await contactName(contact);
    const effects = await ids.transaction('client', async (trx) => {
      const roster = await readRoster(trx, user.pkid);
      const before = itemOf(roster, bareJid(contact));
      const done = subscriptionStep(before.subscription, event);
      const isAsked = done.subscription.state.includes('+in');
      const after = { subscription: done.subscription, request: isAsked ? before.request || request : '' };
      const isListed = event.startsWith('out:') && event !== 'out:unsubscribe' && event !== 'out:unsubscribed';
      if (before.pkid === null && isListed && roster.size >= needs.maxItems) {
        throw new StanzaError('not-allowed', 'the contact list is full');
      }
      const becomesItem = isListed || done.effects.includes('answer-subscribed');
      if (!isSame(before, after) || (before.pkid === null && becomesItem)) {
        await saveSubscription(trx, user.pkid, before, after, name, becomesItem);
      }
      return done.effects;
    });
    const account = accounts.find(user.jid.bare);
    if (account !== undefined) await rosters.changed(account);
    return effects;
  };

  const afterwards = async (user: LocalUser, contact: Jid, effects: readonly SubscriptionEffect[]): Promise<void> => {
    if (effects.includes('answer-subscribed')) await send('subscribed', user.jid, contact);
    if (effects.includes('send-unavailable')) await fanOut.unavailableToContact(user, contact);
    if (effects.includes('send-presence')) await fanOut.toContact(user, contact);
  };

  const deliver = (user: LocalUser, stanza: Presence): void => {
    const account = accounts.find(user.jid.bare);
    if (account === undefined || stanza.from === null) return;
    // RFC 6121 3.1.3: subscriptions are between bare addresses.
    const element = addressed(stanza.element, { from: bareJid(stanza.from), to: user.jid });
    for (const session of account.sessions.values()) {
      // Interested resources hear what became of subscriptions; a request needs somebody who is there to answer.
      if (stanza.type === 'subscribe' ? session.isAvailable : session.isInterested) {
        session.deliver(element, keepAtMost);
      }
    }
  };

  return {
    /** What a user of ours sent (RFC 6121 A.2). @throws StanzaError */
    async outbound(user: LocalUser, stanza: Presence & { readonly to: Jid }, type: SubscriptionStanza): Promise<void> {
      if (stanza.to.bare === user.jid.bare) return;
      const contact = bareJid(stanza.to);
      const effects = await step(user, contact, `out:${type}`, '');
      if (effects.includes('route')) {
        await needs.routing().send(addressed(stanza.element, { from: user.jid, to: contact }), ROUTER);
      }
      await afterwards(user, contact, effects);
    },

    /** What came for a user of ours (RFC 6121 A.3). */
    async inbound(user: LocalUser, stanza: Presence & { readonly from: Jid }, type: SubscriptionStanza): Promise<void> {
      const contact = bareJid(stanza.from);
      const request = type === 'subscribe' ? serialise(addressed(stanza.element, { from: contact, to: user.jid })) : '';
      const effects = await step(user, contact, `in:${type}`, request);
      const { decision } = await permissions.judge(user, contact);
      if (type === 'subscribe' && decision === 'allow' && effects.includes('deliver')) {
        // The user's rules say yes for it, on every interface alike.
        const approved = await step(user, contact, 'out:subscribed', '');
        await send('subscribed', user.jid, contact);
        await afterwards(user, contact, approved);
        return;
      }
      if (effects.includes('deliver')) deliver(user, stanza);
      await afterwards(user, contact, effects);
    },

    /** Takes a contact off the list, and ends what was subscribed (RFC 6121 2.5.2). @throws StanzaError `item-not-found` */
    async remove(user: LocalUser, contact: Jid): Promise<void> {
      const item = await ids.transaction('client', async (trx) => {
        const found = itemOf(await readRoster(trx, user.pkid), contact);
        if (found.pkid === null) throw new StanzaError('item-not-found', 'nobody of that address is on the list');
        await removeItem(trx, user.pkid, found);
        return found;
      });
      // Told before the list is read anew, while it is known that the contact was subscribed.
      if (stanzasOfRemoval(item.subscription.state).includes('unsubscribed')) {
        await fanOut.unavailableToContact(user, contact);
      }
      const account = accounts.find(user.jid.bare);
      if (account !== undefined) await rosters.changed(account);
      for (const type of stanzasOfRemoval(item.subscription.state)) await send(type, user.jid, contact);
    },

    /** Sends a request (again) that stands in the list: the contact, or somebody else who put it there, awaits it. */
    async ask(user: LocalUser, item: RosterItem): Promise<void> {
      await send('subscribe', user.jid, item.jid);
    },
  };
}

export type Subscriptions = ReturnType<typeof createSubscriptions>;

function isSame(before: RosterItem, after: Pick<RosterItem, 'subscription' | 'request'>): boolean {
  return (
    before.subscription.state === after.subscription.state &&
    before.subscription.isApproved === after.subscription.isApproved &&
    before.request === after.request
  );
}
