import type { Clock } from '../../../platform/clock.ts';
import type { Subscription } from './subscription.ts';

interface Entry {
  readonly subscription: Subscription;
  timer: Disposable | undefined;
}

/** The subscriptions of the engine. Outlives a restart of the service, as the rows of the datastore do. */
export class Subscriptions {
  readonly #clock: Clock;
  readonly #onExpired: (subscription: Subscription) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #byAddress = new Map<string, Set<Subscription>>();
  #adHoc = 0;
  #views = 0;

  /** @param onExpired called when a subscription is over; it stands here no more then */
  constructor(clock: Clock, onExpired: (subscription: Subscription) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  get size(): number {
    return this.#entries.size;
  }
  get adHoc(): number {
    return this.#adHoc;
  }
  /** Pairs of watcher and user. */
  get views(): number {
    return this.#views;
  }
  /** Users who are watched. */
  get resources(): number {
    return this.#byAddress.size;
  }

  get(key: string): Subscription | undefined {
    return this.#entries.get(key)?.subscription;
  }

  all(): readonly Subscription[] {
    return [...this.#entries.values()].map(({ subscription }) => subscription);
  }

  watching(address: string): readonly Subscription[] {
    return [...(this.#byAddress.get(address) ?? [])];
  }

  /** Other people who watch a user. */
  watchersOf(address: string): ReadonlySet<string> {
    const watching = this.watching(address).filter(({ target }) => target.kind !== 'watchers');
    return new Set(watching.map(({ watcher }) => watcher));
  }

  add(subscription: Subscription): void {
    const entry: Entry = { subscription, timer: undefined };
    this.#entries.set(subscription.key, entry);
    if (subscription.isAdHoc) this.#adHoc += 1;
    this.#link(subscription);
    this.#arm(entry);
  }

  /** Gives it a new life. */
  extend(subscription: Subscription, expiresAt: number): void {
    const entry = this.#entries.get(subscription.key);
    subscription.expiresAt = expiresAt;
    if (entry) this.#arm(entry);
  }

  /** Watches other users from now on. */
  retarget(subscription: Subscription, resources: Subscription['resources']): void {
    if (this.get(subscription.key) !== subscription) return;
    this.#unlink(subscription);
    subscription.resources = resources;
    this.#link(subscription);
  }

  /** False when it stood here no more. */
  remove(subscription: Subscription): boolean {
    const entry = this.#entries.get(subscription.key);
    if (entry?.subscription !== subscription) return false;
    entry.timer?.[Symbol.dispose]();
    this.#entries.delete(subscription.key);
    if (subscription.isAdHoc) this.#adHoc -= 1;
    this.#unlink(subscription);
    return true;
  }

  #arm(entry: Entry): void {
    entry.timer?.[Symbol.dispose]();
    entry.timer = this.#clock.schedule(entry.subscription.expiresAt - this.#clock.monotonic(), () => {
      if (this.remove(entry.subscription)) this.#onExpired(entry.subscription);
    });
  }

  #link(subscription: Subscription): void {
    for (const address of subscription.resources.keys()) {
      const watching = this.#byAddress.get(address);
      if (watching) watching.add(subscription);
      else this.#byAddress.set(address, new Set([subscription]));
    }
    this.#views += subscription.resources.size;
  }

  #unlink(subscription: Subscription): void {
    for (const address of subscription.resources.keys()) {
      const watching = this.#byAddress.get(address);
      watching?.delete(subscription);
      if (watching?.size === 0) this.#byAddress.delete(address);
    }
    this.#views -= subscription.resources.size;
  }
}
