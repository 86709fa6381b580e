import type { Metrics } from '../../platform/metrics.ts';
import type { Stanza } from '../../xmpp/xmpp.ts';

/** Counters by the names that administrators know (docs/services/xcp-router.md); they count from the node's start. */
export type RouterCounters = ReturnType<typeof createRouterCounters>;

export function createRouterCounters(metrics: Metrics) {
  const counter = (name: string, help: string) => metrics.counter(name, help);
  const gauge = (name: string, help: string) => metrics.gauge(name, help);
  const stanzas = {
    in: stanzaCounters(metrics, 'In', 'from clients'),
    out: stanzaCounters(metrics, 'Out', 'to clients'),
  };
  return {
    sessions: gauge('JsmSessionsClient', 'Sessions of clients'),
    sessionsTotal: gauge('JsmSessionsTotal', 'Sessions of all kinds'),
    onlineUsers: gauge('JsmOnlineUsers', 'Users with a session'),
    created: counter('JsmSessionsCreated', 'Sessions begun'),
    ended: counter('JsmSessionsEnded', 'Sessions ended'),
    suspended: counter('JsmSuspendedSessions', 'Sessions whose connection broke'),
    resumed: counter('JsmResumedSessions', 'Sessions taken up again'),
    expired: counter('JsmExpiredSessions', 'Sessions that nobody took up again in time'),
    routed: counter('RouterNormalPackets', 'Stanzas routed'),
    cacheLookups: counter('CacheLookupCount', 'SDNS look-ups answered from the cache'),
    databaseLookups: counter('DatabaseLookupCount', 'SDNS look-ups that asked the Route Datastore'),
    cacheSize: gauge('CacheSize', 'Addresses in the cache of SDNS'),
    offlineStored: counter('imp_offline_messages_stored_total', 'Messages stored for users who were not there'),
    offlineDelivered: counter('imp_offline_messages_delivered_total', 'Stored messages delivered'),
    queued: gauge('imp_xcp_router_queued_stanzas', 'Stanzas of clients that wait for the router'),
    stanza(way: 'in' | 'out', stanza: Pick<Stanza, 'kind'> & { readonly type: string }): void {
      const counters = stanzas[way];
      if (stanza.type === 'error') counters.errors.inc();
      else if (stanza.kind === 'presence') counters.presence.inc();
      else if (stanza.kind === 'iq') counters.iq.inc();
      else if (stanza.type === 'chat') counters.chat.inc();
      else counters.nonChat.inc();
    },
  };
}

function stanzaCounters(metrics: Metrics, way: 'In' | 'Out', what: string) {
  const counter = (name: string) => metrics.counter(`JsmStanza${name}${way}`, `${name} ${what}`);
  return {
    chat: counter('ChatMessages'),
    nonChat: counter('NonChatMessages'),
    presence: counter('Presence'),
    iq: counter('IQ'),
    errors: counter('Errors'),
  };
}
