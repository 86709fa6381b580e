/** The nine subscription states of RFC 6121 A.1: `+out` and `+in` are requests that wait for an answer. */
export const SUBSCRIPTION_STATES = [
  'none',
  'none+out',
  'none+in',
  'none+out+in',
  'to',
  'to+in',
  'from',
  'from+out',
  'both',
] as const;
export type SubscriptionState = (typeof SUBSCRIPTION_STATES)[number];

export type SubscriptionStanza = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';

/** What a user (`out`) or its contact (`in`) sent. */
export type SubscriptionEvent = `${'out' | 'in'}:${SubscriptionStanza}`;

export interface Subscription {
  readonly state: SubscriptionState;
  /** The user has said yes before being asked (RFC 6121 3.4). */
  readonly isApproved: boolean;
}

export type SubscriptionEffect =
  | 'route' // an outbound stanza goes on to the contact
  | 'deliver' // an inbound stanza goes on to the user's interested resources
  | 'answer-subscribed' // the server says yes for the user
  | 'push' // the roster item changed in a way that clients see
  | 'send-presence' // the contact gets the presence of the user's available resources (RFC 6121 3.1.5)
  | 'send-unavailable'; // the contact gets unavailable from each of them (RFC 6121 3.2.2, 3.3.3)

export interface SubscriptionStep {
  readonly subscription: Subscription;
  readonly effects: readonly SubscriptionEffect[];
}

/** What becomes of a state, in the order of `SUBSCRIPTION_STATES`; a dot stays where it is and goes no further. */
type Row = readonly string[];

/** RFC 6121 A.2 and A.3. `=` goes further without a change. */
const TABLE: Readonly<Record<SubscriptionEvent, Row>> = {
  //                 none        none+out    none+in        none+out+in  to         to+in      from        from+out    both
  'out:subscribe': ['none+out', '=', 'none+out+in', '=', '=', '=', 'from+out', '=', '='],
  'out:unsubscribe': ['=', 'none', '=', 'none+in', 'none', 'none+in', '=', 'from', 'from'],
  'out:subscribed': ['.', '.', 'from', 'from+out', '.', 'both', '.', '.', '.'],
  'out:unsubscribed': ['.', '.', 'none', 'none+out', '.', 'to', 'none', 'none+out', 'to'],
  'in:subscribe': ['none+in', 'none+out+in', '.', '.', 'to+in', '.', '.', '.', '.'],
  'in:unsubscribe': ['.', '.', 'none', 'none+out', '.', 'to', 'none', 'none+out', 'to'],
  'in:subscribed': ['.', 'to', '.', 'to+in', '.', '.', '.', 'both', '.'],
  'in:unsubscribed': ['.', 'none', '.', 'none+in', 'none', 'none+in', '.', 'from', 'from'],
};

/** Whether the contact sees the user's presence. */
export function seesUser(state: SubscriptionState): boolean {
  return state === 'both' || state.startsWith('from');
}

/** Whether the user sees the contact's presence. */
export function seesContact(state: SubscriptionState): boolean {
  return state === 'both' || state.startsWith('to');
}

/** The attributes of a roster item (RFC 6121 2.1.2); a request that only came in is not shown. */
export function rosterAttributes({ state, isApproved }: Subscription): {
  readonly subscription: 'none' | 'to' | 'from' | 'both';
  readonly ask: 'subscribe' | undefined;
  readonly approved: 'true' | undefined;
} {
  return {
    subscription: state === 'both' ? 'both' : seesContact(state) ? 'to' : seesUser(state) ? 'from' : 'none',
    ask: state.includes('+out') ? 'subscribe' : undefined,
    approved: isApproved ? 'true' : undefined,
  };
}

/** (state, event) → (state, effects) of RFC 6121 appendix A, with pre-approval of 3.4. */
export function subscriptionStep(before: Subscription, event: SubscriptionEvent): SubscriptionStep {
  if (event === 'in:subscribe') {
    // A.3.1 note 2: who has the subscription already is told so again.
    if (seesUser(before.state)) return { subscription: before, effects: ['answer-subscribed'] };
    if (before.isApproved && !before.state.includes('+in')) return approvedBefore(before);
  }
  const said = TABLE[event][SUBSCRIPTION_STATES.indexOf(before.state)] ?? '.';
  // RFC 6121 3.4.2: a yes to nobody's question is kept for later.
  const isApproval = event === 'out:subscribed' && said === '.' && !seesUser(before.state);
  const isApproved = isApproval || (before.isApproved && event !== 'out:unsubscribed');
  const state = said === '.' || said === '=' ? before.state : (said as SubscriptionState);
  const subscription: Subscription = { state, isApproved };
  const effects: SubscriptionEffect[] = [];
  if (said !== '.') effects.push(event.startsWith('out:') ? 'route' : 'deliver');
  if (isShownChange(before, subscription)) effects.push('push');
  if (seesUser(state) && !seesUser(before.state)) effects.push('send-presence');
  if (!seesUser(state) && seesUser(before.state)) effects.push('send-unavailable');
  return { subscription, effects };
}

/** RFC 6121 3.4.2: the request is answered and not shown to the user. */
function approvedBefore(before: Subscription): SubscriptionStep {
  const state = before.state === 'to' ? 'both' : before.state === 'none+out' ? 'from+out' : 'from';
  return {
    subscription: { state, isApproved: true },
    effects: ['answer-subscribed', 'push', 'send-presence'],
  };
}

function isShownChange(before: Subscription, after: Subscription): boolean {
  const [a, b] = [rosterAttributes(before), rosterAttributes(after)];
  return a.subscription !== b.subscription || a.ask !== b.ask || a.approved !== b.approved;
}

/** What the server sends for a user that takes the contact off its roster (RFC 6121 2.5.2), in this order. */
export function stanzasOfRemoval(state: SubscriptionState): readonly ('unsubscribe' | 'unsubscribed')[] {
  return [
    ...(seesContact(state) || state.includes('+out') ? (['unsubscribe'] as const) : []),
    ...(seesUser(state) || state.includes('+in') ? (['unsubscribed'] as const) : []),
  ];
}
