import type { Clock } from '../../../platform/clock.ts';
import type { Log } from '../../../platform/log.ts';
import { PRESENCE_EVENT } from '../../../presence/publication.ts';
import type { EngineParameters } from '../../../rpc/presence-engine/parameters.ts';
import { acceptRequest, createServerDialog, dialogId, dialogIdOf } from '../../../sip/dialog/dialog.ts';
import { grantExpiry } from '../../../sip/dialog/subscription.ts';
import { refusal } from '../../../sip/errors.ts';
import { createResponse } from '../../../sip/message/build.ts';
import type { SipRequest } from '../../../sip/message/message.ts';
import { randomText } from '../../../sip/random-text.ts';
import type { SipEndpoint } from '../../../sip/sip.ts';
import type { ServerTransaction } from '../../../sip/transaction/server-transaction.ts';
import { type Parameterised, writeParameterised } from '../../../sip/values/simple.ts';
import type { PresenceDatastore } from '../../presence-datastore/presence-datastore.ts';
import type { EngineCounters } from '../counters.ts';
import { OPTION, RETRY_SECONDS } from '../names.ts';
import type { PresenceEngineOptions } from '../options.ts';
import type { Notifier } from '../watching/notifier.ts';
import { isList, type Subscription, subscriptionKey } from '../watching/subscription.ts';
import type { Subscriptions } from '../watching/subscriptions.ts';
import type { Viewer } from '../watching/viewer.ts';
import { WATCHER_INFO_EVENT } from '../watching/watcher-list.ts';
import { contactOf, speakerOf } from './addresses.ts';
import { eventOf } from './events.ts';
import { type TargetNeeds, targetOf, type WantedTarget, watchersTargetOf } from './target.ts';

export interface SubscriberNeeds extends TargetNeeds {
  readonly sip: Pick<SipEndpoint, 'sentBy'>;
  readonly presenceDatastore: PresenceDatastore;
  readonly subscriptions: Subscriptions;
  readonly notifier: Notifier;
  readonly viewer: Viewer;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: EngineCounters;
  readonly options: PresenceEngineOptions;
  readonly parameters: () => EngineParameters;
  readonly isOverloaded: () => boolean;
}

/** SUBSCRIBE for presence and for who watches it (RFC 6665 4.2, RFC 3856 6, RFC 3857): begins, renews, ends, or fetches once. */
export function createSubscriber(needs: SubscriberNeeds): (transaction: ServerTransaction) => Promise<void> {
  const { presenceDatastore, subscriptions, notifier, viewer, clock, counters, options, parameters } = needs;

  return async (transaction) => {
    const { request } = transaction;
    const event = eventOf(request, [PRESENCE_EVENT, WATCHER_INFO_EVENT]);
    const id = dialogIdOf(request);
    if (id === undefined) await begin(transaction, event);
    else await renew(transaction, event, id);
  };

  function secondsOf(request: SipRequest): number {
    const maxSeconds = parameters().subscriptionSeconds;
    const minSeconds = Math.min(options.minExpirySeconds, maxSeconds);
    const bounds = { minSeconds, maxSeconds, defaultSeconds: maxSeconds };
    const seconds = grantExpiry(request.headers.get('expires'), bounds);
    if (seconds === 'too-brief') throw refusal(423, 'Interval Too Brief', { 'Min-Expires': String(minSeconds) });
    return seconds;
  }

  async function begin(transaction: ServerTransaction, event: Parameterised): Promise<void> {
    const { request } = transaction;
    const watcher = speakerOf(request);
    if (watcher === undefined) throw refusal(403, 'Unknown Watcher');
    if (needs.isOverloaded() || subscriptions.size >= options.maxSubscriptions) throw tryLater();
    const seconds = secondsOf(request);
    const wanted =
      event.value === WATCHER_INFO_EVENT
        ? await watchersTargetOf(needs, request, watcher)
        : await targetOf(needs, request, watcher);
    if (wanted.target.kind === 'user') await requirePermission(wanted, watcher);
    if (seconds > 0) checkLimits(wanted, watcher);

    const now = clock.monotonic();
    const life = wanted.isAdHoc ? Math.min(seconds, parameters().adHocSeconds) : seconds;
    const contact = contactOf(needs.sip.sentBy(transaction.flow.transport), transaction.flow.transport);
    const response = createResponse(request, 200, {
      toTag: transaction.toTag,
      headers: answerHeaders(life, contact, isList(wanted)),
    });
    const dialog = createServerDialog(request, response);
    const subscription: Subscription = {
      id: randomText(12),
      key: subscriptionKey(dialogId(dialog.callId, dialog.localTag, dialog.remoteTag), event),
      watcher,
      target: wanted.target,
      uri: request.uri,
      event: writeParameterised(event),
      contact,
      isAdHoc: wanted.isAdHoc,
      endsAt: wanted.isAdHoc ? now + parameters().adHocSeconds * 1_000 : Number.POSITIVE_INFINITY,
      dialog,
      expiresAt: now + life * 1_000,
      resources: wanted.resources,
      byContact: new Set(),
      listVersion: 0,
      toldWatchers: new Map(),
    };
    if (life > 0) {
      await store(subscription, life);
      subscriptions.add(subscription);
    }
    counters.subscribes.inc({ kind: life > 0 ? 'initial' : 'fetch' });
    transaction.respond(response);
    if (life > 0) notifier.tell(subscription);
    // RFC 6665 4.4.3: a fetch is a subscription that is over with its first NOTIFY.
    else notifier.end(subscription, { state: 'terminated', reason: 'timeout' });
  }

  async function renew(transaction: ServerTransaction, event: Parameterised, id: string): Promise<void> {
    const { request } = transaction;
    const subscription = subscriptions.get(subscriptionKey(id, event));
    if (subscription === undefined) throw refusal(481, 'Subscription Does Not Exist');
    subscription.dialog = acceptRequest(subscription.dialog, request);
    const asked = secondsOf(request);
    const now = clock.monotonic();
    const seconds = Math.min(asked, Math.max(0, Math.floor((subscription.endsAt - now) / 1_000)));
    if (seconds > 0) {
      await store(subscription, seconds);
      subscriptions.extend(subscription, now + seconds * 1_000);
    } else {
      subscriptions.remove(subscription);
      await presenceDatastore.endDialog(subscription.watcher, dialogName(subscription.id));
    }
    counters.subscribes.inc({ kind: seconds > 0 ? 'refresh' : 'end' });
    transaction.reply(200, { headers: answerHeaders(seconds, subscription.contact, isList(subscription)) });
    if (seconds > 0) notifier.tell(subscription);
    else {
      subscription.expiresAt = now;
      notifier.end(subscription, { state: 'terminated', reason: 'timeout' });
    }
  }

  async function requirePermission({ resources }: WantedTarget, watcher: string): Promise<void> {
    const addresses = [...resources.keys()];
    const view = (await viewer.view(addresses, watcher)).get(addresses[0] ?? '');
    if (view === undefined || view.kind === 'rejected') throw refusal(403, 'Forbidden');
  }

  /** @throws SipError 403, 503 */
  function checkLimits({ target, resources, isAdHoc }: WantedTarget, watcher: string): void {
    const { maximumWatchers, adHocSubscriptions, adHocMaximum } = parameters();
    if (isAdHoc && !adHocSubscriptions) throw refusal(403, 'Not on the Contact List');
    if (isAdHoc && adHocMaximum > 0 && subscriptions.adHoc >= adHocMaximum) throw tryLater();
    if (target.kind !== 'user' || maximumWatchers === 0) return;
    for (const address of resources.keys()) {
      const watchers = subscriptions.watchersOf(address);
      if (address !== watcher && !watchers.has(watcher) && watchers.size >= maximumWatchers) {
        throw refusal(403, 'Too Many Watchers');
      }
    }
  }

  async function store({ id, watcher, target, resources }: Subscription, seconds: number): Promise<void> {
    const event = target.kind === 'watchers' ? WATCHER_INFO_EVENT : PRESENCE_EVENT;
    for (const presentity of resources.keys()) {
      await presenceDatastore.subscribe({ presentity, event, watcher, dialog: dialogName(id) }, seconds * 1_000);
    }
  }
}

/** A subscription's name in the Presence Datastore. */
export function dialogName(id: string): string {
  return `sip/${id}`;
}

function tryLater(): Error {
  return refusal(503, 'Service Unavailable', { 'Retry-After': String(RETRY_SECONDS) });
}

function answerHeaders(seconds: number, contact: string, hasList: boolean): [string, string][] {
  return [
    ['Contact', contact],
    ['Expires', String(seconds)],
    ...(hasList ? ([['Require', OPTION.eventList]] as [string, string][]) : []),
  ];
}
