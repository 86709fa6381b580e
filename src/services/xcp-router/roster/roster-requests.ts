import type { Ids } from '../../../ids/ids.ts';
import { attribute, elements, textOf } from '../../../xml/element.ts';
import { bareJid, el, type Jid, NS, parseJid, StanzaError } from '../../../xmpp/xmpp.ts';
import type { IqHandler, IqRequest, LocalUser } from '../components/component.ts';
import type { Subscriptions } from '../presence/subscriptions.ts';
import type { Sdns } from '../sdns/sdns.ts';
import type { Accounts } from '../sessions/account.ts';
import { isShown, type Roster, writeItem } from './roster.ts';
import { itemOf, nameOf, readRoster, saveItem } from './roster-store.ts';
import type { Rosters } from './rosters.ts';

export interface RosterRequestsNeeds {
  readonly ids: Ids;
  readonly accounts: Accounts;
  readonly rosters: Rosters;
  readonly subscriptions: Subscriptions;
  readonly sdns: Sdns;
  readonly maxItems: number;
}

const MAX_NAME = 255;
const CONTROL = /\p{Cc}/u;

/** The contact list over XMPP (RFC 6121 2): the same that the Client Profile Agent serves. */
export function rosterRequests(needs: RosterRequestsNeeds): readonly IqHandler[] {
  const { ids, accounts, rosters, subscriptions, sdns } = needs;

  const get = async ({ from, owner }: IqRequest) => {
    const account = owner && accounts.find(owner.jid.bare);
    const session = account?.sessions.get(from.resource ?? '');
    const roster: Roster = account ? await rosters.of(account) : new Map();
    if (session) session.isInterested = true;
    return el(NS.roster, 'query', {}, ...[...roster.values()].filter(isShown).map(writeItem));
  };

  const save = async (owner: LocalUser, contact: Jid, name: string, groups: readonly string[]): Promise<void> => {
    const place = await sdns.lookup(contact);
    const contactName = nameOf(contact, 'user' in place ? place.user?.userid : undefined);
    await ids.transaction('client', async (trx) => {
      const roster = await readRoster(trx, owner.pkid);
      const before = itemOf(roster, contact);
      if (before.pkid === null && roster.size >= needs.maxItems) {
        throw new StanzaError('not-allowed', 'the contact list is full');
      }
      await saveItem(trx, owner.pkid, before, { name, groups }, contactName);
    });
    const account = accounts.find(owner.jid.bare);
    if (account) await rosters.changed(account);
  };

  const set = async ({ payload, owner }: IqRequest) => {
    const items = elements(payload, 'item', NS.roster);
    const [item] = items;
    // RFC 6121 2.1.5: exactly one.
    if (item === undefined || items.length > 1 || owner === undefined) {
      throw new StanzaError('bad-request', 'a change of the contact list names exactly one contact');
    }
    const contact = bareJid(parseJid(attribute(item, 'jid') ?? ''));
    if (attribute(item, 'subscription') === 'remove') {
      await subscriptions.remove(owner, contact);
      return null;
    }
    // RFC 6121 2.3.3: nobody is on the list of himself here.
    if (contact.bare === owner.jid.bare) throw new StanzaError('not-allowed', 'this is your own address');
    const groups = elements(item, 'group', NS.roster).map((group) => textOf(group).normalize('NFC'));
    if (new Set(groups).size !== groups.length) throw new StanzaError('bad-request', 'a group is named twice');
    const name = (attribute(item, 'name') ?? '').normalize('NFC');
    for (const each of groups) {
      if (each === '' || isUnfit(each)) throw new StanzaError('not-acceptable', 'the name of a group cannot be kept');
    }
    if (isUnfit(name)) throw new StanzaError('not-acceptable', 'the name cannot be kept');
    await save(owner, contact, name, groups);
    return null;
  };

  const common = { target: 'account', namespace: NS.roster, local: 'query' } as const;
  return [
    { ...common, type: 'get', handle: get },
    { ...common, type: 'set', handle: set },
  ];
}

/** The Client Profile Agent keeps no such name either. */
function isUnfit(name: string): boolean {
  return CONTROL.test(name) || (name.length > MAX_NAME && [...name].length > MAX_NAME);
}
