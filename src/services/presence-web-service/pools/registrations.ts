import type { Clock } from '../../../platform/clock.ts';
import { ExpiringPool, type RemovalCause } from './expiring-pool.ts';

/** Where an application is called. */
export interface EndPoint {
  readonly id: number;
  /** The application user's session that registered it, by its id. */
  readonly sessionId: string;
  readonly url: string;
}

/** One end user's wish to hear of changes of contacts. */
export interface Subscription {
  readonly id: number;
  /** The end user's session, by its id. */
  readonly sessionId: string;
  /** Bare address of the end user in lower case. */
  readonly watcher: string;
  endPointId: number;
  /** Contacts as the client wrote them, by address in lower case; in the order they were added. */
  readonly contacts: Map<string, string>;
  /** Addresses that the end user was allowed to see, when last asked, only for being on their contact lists. */
  readonly seenAsContact: Set<string>;
}

export interface RegistrationsOptions {
  readonly maxEndPoints: number;
  readonly maxSubscriptions: number;
  /** Called when a subscription has ended. */
  readonly onSubscriptionEnded: (subscription: Subscription, cause: RemovalCause) => void;
}

/** Endpoints and subscriptions of this node, two pools of ids, and who watches whom. Lives in memory only. */
export class Registrations {
  readonly endPoints: ExpiringPool<EndPoint>;
  readonly subscriptions: ExpiringPool<Subscription>;
  readonly #byContact = new Map<string, Set<Subscription>>();

  constructor(clock: Clock, options: RegistrationsOptions) {
    this.endPoints = new ExpiringPool<EndPoint>(clock, options.maxEndPoints, ({ id }) => {
      for (const each of this.subscriptions.values()) if (each.endPointId === id) this.subscriptions.remove(each.id);
    });
    this.subscriptions = new ExpiringPool<Subscription>(clock, options.maxSubscriptions, (subscription, cause) => {
      for (const address of subscription.contacts.keys()) this.#unwatch(subscription, address);
      options.onSubscriptionEnded(subscription, cause);
    });
  }

  /** Subscriptions that hold a contact, by its address in lower case. */
  watchersOf(address: string): readonly Subscription[] {
    return [...(this.#byContact.get(address) ?? [])];
  }

  addContact(subscription: Subscription, address: string, uri: string): void {
    subscription.contacts.set(address, uri);
    const watching = this.#byContact.get(address);
    if (watching) watching.add(subscription);
    else this.#byContact.set(address, new Set([subscription]));
  }

  removeContact(subscription: Subscription, address: string): void {
    subscription.seenAsContact.delete(address);
    if (subscription.contacts.delete(address)) this.#unwatch(subscription, address);
  }

  /** Ends what hangs on a session, an application's or an end user's. */
  endOfSession(sessionId: string): void {
    for (const each of this.subscriptions.values()) {
      if (each.sessionId === sessionId) this.subscriptions.remove(each.id);
    }
    for (const each of this.endPoints.values()) if (each.sessionId === sessionId) this.endPoints.remove(each.id);
  }

  /** Every session that something hangs on. */
  sessionIds(): ReadonlySet<string> {
    const all: readonly { readonly sessionId: string }[] = [...this.endPoints.values(), ...this.subscriptions.values()];
    return new Set(all.map(({ sessionId }) => sessionId));
  }

  #unwatch(subscription: Subscription, address: string): void {
    const watching = this.#byContact.get(address);
    watching?.delete(subscription);
    if (watching?.size === 0) this.#byContact.delete(address);
  }
}
