import type { IqType, MessageType, PresenceType } from '../../../xmpp/xmpp.ts';

/** What decides where a stanza for a user of ours goes. No I/O, no addresses: tested row by row. */
export interface DeliveryFacts {
  readonly stanza:
    | { readonly kind: 'message'; readonly type: MessageType }
    | { readonly kind: 'presence'; readonly type: PresenceType }
    | { readonly kind: 'iq'; readonly type: IqType };
  /** Addressed to one resource, rather than to the account. */
  readonly isFull: boolean;
  /** The resource that is addressed has a session, available or not. */
  readonly isConnected: boolean;
  /** Some resource is available with a priority that is not negative. */
  readonly hasAvailable: boolean;
  /** Some resource is available, of whatever priority. */
  readonly hasAnyAvailable: boolean;
}

export type Delivery =
  | { readonly do: 'resource' } // the one addressed
  | { readonly do: 'conversation' } // the resource that the conversation is held with, else all that take messages
  | { readonly do: 'non-negative' } // every available resource of non-negative priority
  | { readonly do: 'available' } // every available resource
  | { readonly do: 'store' } // kept until the user is there, or refused where nothing is kept
  | { readonly do: 'account' } // the server answers in the account's name
  | { readonly do: 'refuse' } // service-unavailable
  | { readonly do: 'ignore' };

const TO: Readonly<Record<Delivery['do'], Delivery>> = {
  resource: { do: 'resource' },
  conversation: { do: 'conversation' },
  'non-negative': { do: 'non-negative' },
  available: { do: 'available' },
  store: { do: 'store' },
  account: { do: 'account' },
  refuse: { do: 'refuse' },
  ignore: { do: 'ignore' },
};

/** RFC 6121 8.5, 10.5, as docs/services/xcp-router.md writes it down. */
export function decideDelivery(facts: DeliveryFacts): Delivery {
  const { stanza } = facts;
  switch (stanza.kind) {
    case 'message':
      return TO[ofMessage(stanza.type, facts)];
    case 'presence':
      return TO[ofPresence(stanza.type, facts)];
    case 'iq':
      return TO[ofIq(stanza.type, facts)];
  }
}

function ofMessage(type: MessageType, facts: DeliveryFacts): Delivery['do'] {
  // 8.5.3.1: whoever names a resource that is there gets it.
  if (facts.isFull && facts.isConnected) return 'resource';
  switch (type) {
    case 'chat':
      // 8.5.3.2.1: to a resource that has gone it counts as sent to the account.
      return facts.hasAvailable ? 'conversation' : 'store';
    case 'normal':
      if (facts.isFull) return facts.hasAvailable ? 'refuse' : 'store';
      return facts.hasAvailable ? 'conversation' : 'store';
    case 'headline':
      if (facts.isFull) return 'ignore';
      return facts.hasAvailable ? 'non-negative' : 'ignore';
    case 'groupchat':
      return 'refuse';
    case 'error':
      return 'ignore';
  }
}

function ofPresence(type: PresenceType, facts: DeliveryFacts): Delivery['do'] {
  switch (type) {
    case 'available':
    case 'unavailable':
    case 'error':
      if (facts.isFull) return facts.isConnected ? 'resource' : 'ignore';
      return facts.hasAnyAvailable ? 'available' : 'ignore';
    default:
      // Subscriptions and probes are the account's, whatever resource is named (3.1.3, 4.3.2).
      return 'account';
  }
}

function ofIq(type: IqType, facts: DeliveryFacts): Delivery['do'] {
  if (facts.isFull) {
    if (facts.isConnected) return 'resource';
    return type === 'get' || type === 'set' ? 'refuse' : 'ignore';
  }
  return type === 'get' || type === 'set' ? 'account' : 'ignore';
}
