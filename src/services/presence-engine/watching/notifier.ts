import type { Clock } from '../../../platform/clock.ts';
import { describeError } from '../../../platform/errors.ts';
import type { Log } from '../../../platform/log.ts';
import { acceptResponse, nextRequest } from '../../../sip/dialog/dialog.ts';
import { type SubscriptionState, writeSubscriptionState } from '../../../sip/dialog/subscription.ts';
import { SipError } from '../../../sip/errors.ts';
import type { SipResponse } from '../../../sip/message/message.ts';
import type { SipEndpoint } from '../../../sip/sip.ts';
import type { EngineCounters } from '../counters.ts';
import { type Content, contentOf } from './content.ts';
import { RateGate } from './rate-gate.ts';
import { isList, type Subscription } from './subscription.ts';
import type { Viewer } from './viewer.ts';

type End = Extract<SubscriptionState, { state: 'terminated' }>;

export interface NotifierNeeds {
  readonly sip: Pick<SipEndpoint, 'send'>;
  readonly viewer: Viewer;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: EngineCounters;
  /** Changes told in a second, of all subscriptions together. */
  readonly perSecond: () => number;
  /** Least time between two changes told to one watcher. */
  readonly intervalMs: number;
  /** What was to be told was read, or why it was not. */
  readonly onRead: (error?: unknown) => void;
  /** The subscription is over: the watcher is gone, or has just been told. */
  readonly onOver: (subscription: Subscription) => void;
}

/** What a subscription is still to be told. */
interface Lane {
  readonly subscription: Subscription;
  /** Everything, at once. */
  isFull: boolean;
  /** Users that have changed, when there is time. */
  changed: Set<string>;
  end: End | undefined;
  isSending: boolean;
  /** Waits for its time, or for its turn. */
  isWaiting: boolean;
  timer: Disposable | undefined;
  /** By the monotonic clock; undefined before the first. */
  sentAt: number | undefined;
  print: string | undefined;
}

/** Reads of the stores that failed are tried again after this. */
const AGAIN_MS = 5_000;
/** RFC 5057 5.1: answers that end the usage, or the dialog, whatever Retry-After says. */
const ENDING: ReadonlySet<number> = new Set([
  404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604,
]);
const MOST_RETRY_SECONDS = 600;

/**
 * Tells subscriptions (RFC 6665 4.2): one NOTIFY at a time for each; answers to a SUBSCRIBE at once, changes not more
 * often than the interval and not more than so many a second, and always the latest state only.
 */
export class Notifier {
  readonly #needs: NotifierNeeds;
  readonly #lanes = new Map<Subscription, Lane>();
  readonly #gate: RateGate;
  #isStopped = false;

  constructor(needs: NotifierNeeds) {
    this.#needs = needs;
    this.#gate = new RateGate(needs.clock, needs.perSecond);
  }

  /** Subscriptions that wait for their turn. */
  get waiting(): number {
    return this.#gate.waiting;
  }

  /** The whole state, at once: the answer to a SUBSCRIBE. */
  tell(subscription: Subscription): void {
    const lane = this.#lane(subscription);
    lane.isFull = true;
    this.#next(lane);
  }

  /** A user who is watched in it has changed. */
  changed(subscription: Subscription, address: string): void {
    const lane = this.#lane(subscription);
    lane.changed.add(address);
    this.#next(lane);
  }

  /** Tells the last state and that it is over. */
  end(subscription: Subscription, end: End): void {
    const lane = this.#lane(subscription);
    lane.end = end;
    this.#next(lane);
  }

  /** Forgets one that is over without a word. */
  drop(subscription: Subscription): void {
    this.#lanes.get(subscription)?.timer?.[Symbol.dispose]();
    this.#lanes.delete(subscription);
  }

  stop(): void {
    this.#isStopped = true;
    this.#gate.stop();
    for (const subscription of [...this.#lanes.keys()]) this.drop(subscription);
  }

  #lane(subscription: Subscription): Lane {
    let lane = this.#lanes.get(subscription);
    if (lane === undefined) {
      lane = {
        subscription,
        isFull: false,
        changed: new Set(),
        end: undefined,
        isSending: false,
        isWaiting: false,
        timer: undefined,
        sentAt: undefined,
        print: undefined,
      };
      this.#lanes.set(subscription, lane);
    }
    return lane;
  }

  #next(lane: Lane): void {
    if (this.#isStopped || lane.isSending || this.#lanes.get(lane.subscription) !== lane) return;
    if (lane.isFull || lane.end !== undefined) {
      this.#send(lane);
      return;
    }
    if (lane.changed.size === 0 || lane.isWaiting) return;
    const { clock, intervalMs } = this.#needs;
    const wait = lane.sentAt === undefined ? 0 : lane.sentAt + intervalMs - clock.monotonic();
    lane.isWaiting = true;
    if (wait <= 0) this.#queue(lane);
    else lane.timer = clock.schedule(wait, () => this.#queue(lane));
  }

  #queue(lane: Lane): void {
    this.#gate.enter(() => {
      lane.isWaiting = false;
      // It may have been told everything since.
      if (!lane.isSending && lane.changed.size > 0 && this.#lanes.get(lane.subscription) === lane) this.#send(lane);
    });
  }

  #send(lane: Lane): void {
    lane.isSending = true;
    this.#notify(lane)
      .catch((error: unknown) => {
        this.#needs.log.error({ err: error }, 'a subscription could not be told');
        this.#over(lane);
      })
      .finally(() => {
        lane.isSending = false;
        this.#next(lane);
      });
  }

  async #notify(lane: Lane): Promise<void> {
    const { subscription } = lane;
    const isFull = lane.isFull || lane.end !== undefined;
    const changed = lane.changed;
    lane.isFull = false;
    lane.changed = new Set();
    let content: Content;
    try {
      content = await contentOf(this.#needs.viewer, subscription, isFull ? null : changed);
      this.#needs.onRead();
    } catch (error) {
      this.#needs.onRead(error);
      this.#needs.log.warn({ err: describeError(error) }, 'presence could not be read for a subscription');
      lane.changed = new Set([...changed, ...lane.changed]);
      this.#later(lane, AGAIN_MS, isFull);
      return;
    }
    for (const address of content.leftOver) lane.changed.add(address);
    const end = lane.end ?? content.end;
    if (!isFull && end === undefined && isKnown(lane, content)) return;
    lane.print = content.print;
    lane.sentAt = this.#needs.clock.monotonic();
    const outcome = await this.#transact(subscription, content, end);
    this.#needs.counters.notifies.inc({ outcome: outcome.kind });
    if (end !== undefined || outcome.kind === 'failed') this.#over(lane);
    else if (outcome.kind === 'later') {
      lane.print = undefined;
      this.#later(lane, outcome.ms, true);
    }
  }

  async #transact(
    subscription: Subscription,
    content: Content,
    end: End | undefined,
  ): Promise<{ readonly kind: 'done' | 'failed' } | { readonly kind: 'later'; readonly ms: number }> {
    const { sip, clock, log } = this.#needs;
    const left = Math.max(0, Math.round((subscription.expiresAt - clock.monotonic()) / 1_000));
    const state: SubscriptionState =
      end ??
      (content.state === 'terminated' ? { state: 'terminated' } : { state: content.state, expiresSeconds: left });
    const { request, dialog } = nextRequest(subscription.dialog, {
      method: 'NOTIFY',
      headers: [
        ['Contact', subscription.contact],
        ['Event', subscription.event],
        ['Subscription-State', writeSubscriptionState(state)],
        ...content.headers,
      ],
      ...(content.contentType === undefined ? {} : { contentType: content.contentType }),
      ...(content.body === undefined ? {} : { body: content.body }),
    });
    subscription.dialog = dialog;
    let response: SipResponse;
    try {
      response = await sip.send(request);
    } catch (error) {
      if (!(error instanceof SipError)) throw error;
      log.debug({ err: error.message }, 'a NOTIFY was not answered');
      // What ends because we close is no fault of the watcher's.
      return error.code === 'sip.closed' && this.#isStopped ? { kind: 'done' } : { kind: 'failed' };
    }
    if (response.status < 300) {
      subscription.dialog = acceptResponse(subscription.dialog, request, response);
      return { kind: 'done' };
    }
    log.debug({ status: response.status }, 'a NOTIFY was refused');
    const retry = ENDING.has(response.status) ? undefined : response.headers.get('retry-after');
    if (retry === undefined) return { kind: 'failed' };
    return { kind: 'later', ms: Math.min(Math.max(retry, 1), MOST_RETRY_SECONDS) * 1_000 };
  }

  #later(lane: Lane, ms: number, isFull: boolean): void {
    if (this.#isStopped) return;
    lane.isWaiting = true;
    lane.timer?.[Symbol.dispose]();
    lane.timer = this.#needs.clock.schedule(ms, () => {
      lane.isWaiting = false;
      if (isFull) lane.isFull = true;
      this.#next(lane);
    });
  }

  #over(lane: Lane): void {
    this.drop(lane.subscription);
    this.#needs.onOver(lane.subscription);
  }
}

/** Whether the watcher has been told just this. */
function isKnown({ print, subscription }: Lane, content: Content): boolean {
  return !isList(subscription) && content.print !== undefined && content.print === print;
}
