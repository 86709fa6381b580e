import type { Counter, Gauge } from 'prom-client';
import type { Metrics } from '../../platform/metrics.ts';

/** The product's prefix; the names behind it are ours. Counters are reset at the start of the node. */
export interface RccCounters {
  readonly sessions: Gauge;
  readonly signIns: Counter<'outcome'>;
  readonly requests: Counter<'service' | 'outcome'>;
  readonly events: Counter<'event'>;
  readonly soapRequests: Counter<'operation' | 'outcome'>;
}

export function createRccCounters(metrics: Metrics): RccCounters {
  return {
    sessions: metrics.gauge('CTIGWActiveSessions', 'Remote call control sessions that are signed in'),
    signIns: metrics.counter('CTIGWSignIns', 'Sign-ins by outcome', ['outcome']),
    requests: metrics.counter('CTIGWCstaRequests', 'CSTA requests by service and outcome', ['service', 'outcome']),
    events: metrics.counter('CTIGWCstaEvents', 'CSTA events sent, by kind', ['event']),
    soapRequests: metrics.counter('rcc_soap_requests_total', 'SOAP requests by operation and outcome', [
      'operation',
      'outcome',
    ]),
  };
}
