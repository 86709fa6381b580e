import type { Counter } from 'prom-client';
import type { Metrics } from '../../platform/metrics.ts';

/** The product's counters of the Client Profile Agent, and ours beside them. */
export interface CpaCounters {
  readonly loginFailures: Counter<'service'>;
  readonly nodeRedirects: Counter<'service'>;
  readonly crossClusterRedirects: Counter<'service'>;
  /** A request was answered. `operation` is '' when none was understood; `outcome` is `ok` or the number of a fault; no time when it was not read. */
  answered(operation: string, outcome: string, seconds: number | null): void;
  readonly contactListReads: { readonly cache: Tally; readonly ids: Tally };
}

interface Tally {
  inc(): void;
}

const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createCpaCounters(metrics: Metrics): CpaCounters {
  const requests = metrics.counter('cpa_requests_total', 'SOAP requests by operation and outcome', [
    'operation',
    'outcome',
  ]);
  const seconds = metrics.histogram('cpa_request_seconds', 'Time from the whole body to the answer', BUCKETS, [
    'operation',
  ]);
  const reads = metrics.counter('cpa_contact_list_reads_total', 'Contact lists answered from cache or IDS', ['from']);
  // Finding a metric by its labels costs more than counting: each is found once. There are a few hundred at most.
  const known = new Map<string, { readonly count: Tally; readonly time: { observe(value: number): void } }>();
  return {
    loginFailures: metrics.counter('SoapLoginFailures', 'Log-ins refused, reset at the start of the node', ['service']),
    nodeRedirects: metrics.counter('SoapNodeRedirect', 'Log-ins redirected to another node of the cluster', [
      'service',
    ]),
    crossClusterRedirects: metrics.counter('SoapCrossClusterRedirect', 'Log-ins redirected to a peer cluster', [
      'service',
    ]),
    answered(operation, outcome, elapsed) {
      const name = operation === '' ? 'none' : operation;
      const key = `${name} ${outcome}`;
      let found = known.get(key);
      if (!found) {
        found = { count: requests.labels(name, outcome), time: seconds.labels(name) };
        known.set(key, found);
      }
      found.count.inc();
      if (elapsed !== null) found.time.observe(elapsed);
    },
    contactListReads: { cache: reads.labels('cache'), ids: reads.labels('ids') },
  };
}
