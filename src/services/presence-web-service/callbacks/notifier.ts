import type { Counter } from 'prom-client';
import type { Clock } from '../../../platform/clock.ts';
import type { Log } from '../../../platform/log.ts';
import { EVENT_TYPE } from '../names.ts';
import type { Subscription } from '../pools/registrations.ts';
import type { CallbackClient } from './callback-client.ts';
import type { CallbackLanes } from './callback-lanes.ts';

/** Pauses before a failed callback is tried again; after the last one the next change is waited for. */
const RETRY_MS: readonly number[] = [1_000, 5_000, 30_000];

export interface NotifierNeeds {
  readonly client: CallbackClient;
  readonly lanes: CallbackLanes;
  /** URL of the subscription's endpoint; undefined when that is gone. */
  readonly urlOf: (subscription: Subscription) => string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly callbacks: Counter<'outcome'>;
}

interface Notice {
  /** `held`: called, and not fetched yet. */
  phase: 'idle' | 'queued' | 'calling' | 'pausing' | 'held';
  /** While it is being called: what had changed has been fetched meanwhile. */
  isFetched: boolean;
  /** … and something changed after that. */
  isDirty: boolean;
  failures: number;
  /** Changes up to this revision are in what the client has fetched. */
  fetchedRevision: number;
  /** Takes back what is queued or pausing. */
  pending: Disposable | undefined;
  readonly abort: AbortController;
}

/**
 * Calls the application when a subscription has news. After a callback further changes are held until the client has
 * fetched the subscription: what it fetches holds them; what comes after that calls again.
 */
export class Notifier {
  readonly #needs: NotifierNeeds;
  readonly #notices = new Map<Subscription, Notice>();
  #isStopped = false;

  constructor(needs: NotifierNeeds) {
    this.#needs = needs;
  }

  /** @param revision number of the change, in the order of changes: one that has been fetched already is no news. */
  changed(subscription: Subscription, revision: number): void {
    if (this.#isStopped) return;
    const notice = this.#noticeOf(subscription);
    if (revision <= notice.fetchedRevision) return;
    if (notice.phase === 'idle') this.#enqueue(subscription, notice);
    else if (notice.phase === 'calling' && notice.isFetched) notice.isDirty = true;
  }

  /** The client is about to be told the present state: changes up to `revision` are in it. */
  fetched(subscription: Subscription, revision: number): void {
    const notice = this.#noticeOf(subscription);
    notice.fetchedRevision = revision;
    if (notice.phase === 'calling') {
      notice.isFetched = true;
      notice.isDirty = false;
      return;
    }
    this.#rest(notice);
  }

  ended(subscription: Subscription): void {
    const notice = this.#notices.get(subscription);
    if (!notice) return;
    this.#notices.delete(subscription);
    notice.pending?.[Symbol.dispose]();
    notice.abort.abort(new Error('the subscription has ended'));
  }

  /** Takes back every callback that waits, cuts those that run, and begins no more. */
  stop(): void {
    this.#isStopped = true;
    for (const subscription of [...this.#notices.keys()]) this.ended(subscription);
  }

  #noticeOf(subscription: Subscription): Notice {
    let notice = this.#notices.get(subscription);
    if (!notice) {
      notice = {
        phase: 'idle',
        isFetched: false,
        isDirty: false,
        failures: 0,
        fetchedRevision: -1,
        pending: undefined,
        abort: new AbortController(),
      };
      this.#notices.set(subscription, notice);
    }
    return notice;
  }

  #rest(notice: Notice): void {
    notice.pending?.[Symbol.dispose]();
    notice.pending = undefined;
    notice.phase = 'idle';
    notice.failures = 0;
  }

  #enqueue(subscription: Subscription, notice: Notice): void {
    notice.phase = 'queued';
    const lane = String(subscription.endPointId);
    notice.pending = this.#needs.lanes.enqueue(lane, () => this.#call(subscription, notice));
  }

  async #call(subscription: Subscription, notice: Notice): Promise<void> {
    const { client, callbacks, log, clock } = this.#needs;
    notice.phase = 'calling';
    notice.pending = undefined;
    notice.isFetched = false;
    notice.isDirty = false;
    const url = this.#needs.urlOf(subscription);
    if (url === undefined) return;
    const outcome = await client.call(callbackUrl(url, subscription.id), notice.abort.signal);
    // Ended meanwhile: nobody waits for it.
    if (this.#notices.get(subscription) !== notice) return;
    callbacks.labels(outcome.kind).inc();
    if (notice.isFetched) {
      const hasNews = notice.isDirty;
      this.#rest(notice);
      if (hasNews) this.#enqueue(subscription, notice);
      return;
    }
    if (outcome.kind === 'done') {
      notice.phase = 'held';
      notice.failures = 0;
      return;
    }
    const { id, endPointId } = subscription;
    const pause = RETRY_MS[notice.failures];
    log.warn({ subscription: id, endPoint: endPointId, reason: outcome.reason, pause }, 'a callback failed');
    if (pause === undefined) {
      callbacks.labels('given-up').inc();
      this.#rest(notice);
      return;
    }
    notice.failures += 1;
    notice.phase = 'pausing';
    notice.pending = clock.schedule(pause, () => this.#enqueue(subscription, notice));
  }
}

/** Two parameters in this order: clients read them by position, and count them. */
export function callbackUrl(url: string, subscriptionId: number): string {
  const fragment = url.indexOf('#');
  const base = fragment < 0 ? url : url.slice(0, fragment);
  return `${base}${base.includes('?') ? '&' : '?'}id=${subscriptionId}&eventType=${EVENT_TYPE}`;
}
