import type { XmlElement } from '../../../xml/element.ts';
import {
  el,
  type Jid,
  NS,
  rosterAttributes,
  SUBSCRIPTION_STATES,
  type Subscription,
  type SubscriptionState,
} from '../../../xmpp/xmpp.ts';

/** Somebody on a user's contact list, or somebody who is not and has asked for a subscription. */
export interface RosterItem {
  /** Key in the IDS; null when it is not on the list. */
  readonly pkid: string | null;
  readonly jid: Jid;
  readonly name: string;
  /** In order of their names, so that two lists can be compared. */
  readonly groups: readonly string[];
  readonly subscription: Subscription;
  /** The contact's request as it came, as XML; '' when none waits. */
  readonly request: string;
}

/** A user's contact list by bare address. */
export type Roster = ReadonlyMap<string, RosterItem>;

export const NO_SUBSCRIPTION: Subscription = { state: 'none', isApproved: false };

/** What the columns say together. */
export function stateOf(
  shown: 'none' | 'to' | 'from' | 'both' | string,
  isAsking: boolean,
  isAsked: boolean,
): SubscriptionState {
  const state = `${shown}${isAsking && shown !== 'to' ? '+out' : ''}${isAsked && shown !== 'from' ? '+in' : ''}`;
  return SUBSCRIPTION_STATES.find((each) => each === state) ?? (shown === 'both' ? 'both' : 'none');
}

/** Clients see it: a request that only came in makes no item (RFC 6121 3.1.3). */
export function isShown(item: RosterItem): boolean {
  return item.pkid !== null;
}

export function writeItem(item: RosterItem): XmlElement {
  const attributes = { jid: item.jid.bare, name: item.name === '' ? undefined : item.name };
  return el(
    NS.roster,
    'item',
    { ...attributes, ...rosterAttributes(item.subscription) },
    ...item.groups.map((group) => el(NS.roster, 'group', {}, group)),
  );
}

export function removedItem(jid: Jid): XmlElement {
  return el(NS.roster, 'item', { jid: jid.bare, subscription: 'remove' });
}

/** What clients have to be told to come from one list to the other. */
export function differences(before: Roster, after: Roster): readonly XmlElement[] {
  const told: XmlElement[] = [];
  for (const [bare, item] of before) {
    const now = after.get(bare);
    if (isShown(item) && (now === undefined || !isShown(now))) told.push(removedItem(item.jid));
  }
  for (const [bare, item] of after) {
    if (!isShown(item)) continue;
    const was = before.get(bare);
    if (was === undefined || !isShown(was) || !looksTheSame(was, item)) told.push(writeItem(item));
  }
  return told;
}

function looksTheSame(a: RosterItem, b: RosterItem): boolean {
  const [one, other] = [rosterAttributes(a.subscription), rosterAttributes(b.subscription)];
  return (
    a.name === b.name &&
    one.subscription === other.subscription &&
    one.ask === other.ask &&
    one.approved === other.approved &&
    a.groups.length === b.groups.length &&
    a.groups.every((group, index) => group === b.groups[index])
  );
}
