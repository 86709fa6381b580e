import type { Counter } from 'prom-client';
import type { Metrics } from '../../platform/metrics.ts';

/** The product's counters of the Client Profile Agent, and ours beside them. */
export interface CpaCounters {
  readonly loginFailures: Counter<'service'>;
  readonly nodeRedirects: Counter<'service'>;
  readonly crossClusterRedirects: Counter<'service'>;
  /** A request was answered. `operation` is '' when none was understood; `outcome` is `ok` or the number of a fault; no time when it was not read. */
  answered(operation: string, outcome: string, seconds: number | null): void;
  contactListRead(from: 'cache' | 'ids'): void;
}

/** What has been answered in one way and is not in the metrics yet. */
interface Pending {
  readonly count: { inc(by: number): void };
  readonly time: { observe(value: number): void };
  answers: number;
  readonly seconds: number[];
}

/** Passed on at the latest after so many, and before metrics are read: one by one they would cost a tenth of a request. */
const MAX_PENDING = 500;

const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createCpaCounters(metrics: Metrics): CpaCounters {
  const requests = metrics.counter('cpa_requests_total', 'SOAP requests by operation and outcome', [
    'operation',
    'outcome',
  ]);
  const seconds = metrics.histogram('cpa_request_seconds', 'Time from the whole body to the answer', BUCKETS, [
    'operation',
  ]);
  const listReads = { cache: 0, ids: 0 };
  const reads = metrics.counter('cpa_contact_list_reads_total', 'Contact lists answered from cache or IDS', ['from']);
  /** By operation and outcome: a few hundred at most. */
  const known = new Map<string, Map<string, Pending>>();
  const pendingOf = (name: string, outcome: string): Pending => {
    const found = known.get(name)?.get(outcome);
    if (found) return found;
    const made = { count: requests.labels(name, outcome), time: seconds.labels(name), answers: 0, seconds: [] };
    known.set(name, (known.get(name) ?? new Map()).set(outcome, made));
    return made;
  };
  const passOn = (pending: Pending): void => {
    pending.count.inc(pending.answers);
    pending.answers = 0;
    for (const each of pending.seconds) pending.time.observe(each);
    pending.seconds.length = 0;
  };
  metrics.beforeRender(() => {
    for (const outcomes of known.values()) for (const pending of outcomes.values()) passOn(pending);
    for (const from of ['cache', 'ids'] as const) {
      reads.labels(from).inc(listReads[from]);
      listReads[from] = 0;
    }
  });
  return {
    loginFailures: metrics.counter('SoapLoginFailures', 'Log-ins refused, reset at the start of the node', ['service']),
    nodeRedirects: metrics.counter('SoapNodeRedirect', 'Log-ins redirected to another node of the cluster', [
      'service',
    ]),
    crossClusterRedirects: metrics.counter('SoapCrossClusterRedirect', 'Log-ins redirected to a peer cluster', [
      'service',
    ]),
    answered(operation, outcome, elapsed) {
      const pending = pendingOf(operation === '' ? 'none' : operation, outcome);
      pending.answers += 1;
      if (elapsed !== null) pending.seconds.push(elapsed);
      if (pending.answers >= MAX_PENDING) passOn(pending);
    },
    contactListRead(from) {
      listReads[from] += 1;
    },
  };
}
