import type { Metrics } from '../../platform/metrics.ts';

export type IcsaCounters = ReturnType<typeof createIcsaCounters>;

/** What is counted. Peers are labelled by their id here. */
export function createIcsaCounters(metrics: Metrics) {
  return {
    requests: metrics.counter('imp_intercluster_requests_total', 'Requests of peers, by operation and outcome', [
      'operation',
      'outcome',
    ]),
    syncs: metrics.counter('imp_intercluster_syncs_total', 'Syncs with peers, by outcome', ['peer', 'outcome']),
    notifications: metrics.counter('imp_intercluster_notifications_total', 'Peers told of changes here, by outcome', [
      'peer',
      'outcome',
    ]),
    dnd: metrics.counter('imp_intercluster_dnd_total', 'Phones told of do not disturb, by outcome', ['outcome']),
    users: metrics.gauge('imp_intercluster_peer_users', 'Users that a peer has told', ['peer']),
    hidden: metrics.gauge('imp_intercluster_hidden_users', 'Of those, users whose user id somebody else has', ['peer']),
    lastGood: metrics.gauge('imp_intercluster_last_good_seconds', 'Time of the last good sync, since the epoch', [
      'peer',
    ]),
  };
}
