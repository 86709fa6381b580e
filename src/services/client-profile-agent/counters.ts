import type { Counter, Histogram } from 'prom-client';
import type { Metrics } from '../../platform/metrics.ts';

/** The product's counters of the Client Profile Agent, and ours beside them. */
export interface CpaCounters {
  readonly loginFailures: Counter<'service'>;
  readonly nodeRedirects: Counter<'service'>;
  readonly crossClusterRedirects: Counter<'service'>;
  readonly requests: Counter<'operation' | 'outcome'>;
  readonly seconds: Histogram<'operation'>;
  readonly contactListReads: Counter<'from'>;
}

const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createCpaCounters(metrics: Metrics): CpaCounters {
  return {
    loginFailures: metrics.counter('SoapLoginFailures', 'Log-ins refused, reset at the start of the node', ['service']),
    nodeRedirects: metrics.counter('SoapNodeRedirect', 'Log-ins redirected to another node of the cluster', [
      'service',
    ]),
    crossClusterRedirects: metrics.counter('SoapCrossClusterRedirect', 'Log-ins redirected to a peer cluster', [
      'service',
    ]),
    requests: metrics.counter('cpa_requests_total', 'SOAP requests by operation and outcome', ['operation', 'outcome']),
    seconds: metrics.histogram('cpa_request_seconds', 'Time from the whole body to the answer', BUCKETS, ['operation']),
    contactListReads: metrics.counter('cpa_contact_list_reads_total', 'Contact lists answered from cache or IDS', [
      'from',
    ]),
  };
}
