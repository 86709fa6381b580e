import type { Counter, Gauge } from 'prom-client';
import type { Metrics } from '../../platform/metrics.ts';

/** The engine's counters by the product's names. Counters begin at 0 with the node, gauges are what is now. */
export interface EngineCounters {
  readonly activeJsmSessions: Gauge;
  readonly xmppPresence: Counter;
  readonly activeSubscriptions: Gauge;
  readonly activeViews: Gauge;
  readonly activeResources: Gauge;
  readonly activeCalendars: Gauge;
  readonly calendarQueries: Counter<'outcome'>;
  /** Percent: the higher one of CPU and memory. */
  readonly highWaterMark: Gauge;
  readonly subscribes: Counter<'kind'>;
  readonly subscribesRejected: Counter<'status'>;
  readonly notifies: Counter<'outcome'>;
  readonly publishInitial: Counter;
  readonly publishRefresh: Counter;
  readonly publishModify: Counter;
  readonly publishRemove: Counter;
  readonly publishExpired: Counter;
  readonly publishInvalid: Counter<'status'>;
}

export function createEngineCounters(metrics: Metrics): EngineCounters {
  const publish = (name: string, what: string): Counter => metrics.counter(name, `${what}, since the node's start`);
  return {
    activeJsmSessions: metrics.gauge('ActiveJsmSessions', 'Composed sessions: users whom the node serves'),
    xmppPresence: metrics.counter('XMPPPresenceReceived', "Presence of XMPP resources taken, since the node's start"),
    activeSubscriptions: metrics.gauge('ActiveSubscriptions', 'SIP subscriptions now'),
    activeViews: metrics.gauge('ActiveViews', 'Pairs of watcher and watched user of all SIP subscriptions now'),
    activeResources: metrics.gauge('ActiveResources', 'Users whom somebody watches over SIP now'),
    activeCalendars: metrics.gauge('ActiveCalendarSubscriptions', 'Users whose calendars are followed now'),
    calendarQueries: metrics.counter(
      'CalendarQueries',
      "Calendar queries by what came of them, since the node's start",
      ['outcome'],
    ),
    highWaterMark: metrics.gauge('HighWaterMark', 'Load in percent, the higher one of CPU and memory'),
    subscribes: metrics.counter('SubscribesReceived', "SUBSCRIBEs taken, since the node's start", ['kind']),
    subscribesRejected: metrics.counter('SubscribesRejected', "SUBSCRIBEs refused, since the node's start", ['status']),
    notifies: metrics.counter('NotifiesSent', "NOTIFYs by what became of them, since the node's start", ['outcome']),
    publishInitial: publish('PublishInitial', 'Publications begun'),
    publishRefresh: publish('PublishRefresh', 'Publications given a new life'),
    publishModify: publish('PublishModify', 'Publications changed'),
    publishRemove: publish('PublishRemove', 'Publications removed by their client'),
    publishExpired: publish('PublishExpired', 'Publications expired'),
    publishInvalid: metrics.counter('PublishInvalid', "PUBLISHs refused, since the node's start", ['status']),
  };
}
