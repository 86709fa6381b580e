import type { Counter, Gauge, Histogram } from 'prom-client';
import type { Metrics } from '../../platform/metrics.ts';

/** The SOAP counters that the product names, shared with the Client Profile Agent by the label, and ours beside them. */
export interface PwsCounters {
  readonly loginFailures: Counter<'service'>;
  readonly nodeRedirects: Counter<'service'>;
  readonly crossClusterRedirects: Counter<'service'>;
  readonly requests: Counter<'face' | 'operation' | 'outcome'>;
  readonly seconds: Histogram<'face' | 'operation'>;
  readonly callbacks: Counter<'outcome'>;
  readonly endPoints: Gauge;
  readonly subscriptions: Gauge;
}

const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createPwsCounters(metrics: Metrics): PwsCounters {
  return {
    loginFailures: metrics.counter('SoapLoginFailures', 'Log-ins refused, reset at the start of the node', ['service']),
    nodeRedirects: metrics.counter('SoapNodeRedirect', 'Log-ins redirected to another node of the cluster', [
      'service',
    ]),
    crossClusterRedirects: metrics.counter('SoapCrossClusterRedirect', 'Log-ins redirected to a peer cluster', [
      'service',
    ]),
    requests: metrics.counter('pws_requests_total', 'Requests by face, operation and outcome', [
      'face',
      'operation',
      'outcome',
    ]),
    seconds: metrics.histogram('pws_request_seconds', 'Time from the whole request to the answer', BUCKETS, [
      'face',
      'operation',
    ]),
    callbacks: metrics.counter('pws_callbacks_total', 'Callbacks to applications: done, failed, given-up', ['outcome']),
    endPoints: metrics.gauge('pws_endpoints', 'Endpoints that applications have registered'),
    subscriptions: metrics.gauge('pws_subscriptions', 'Subscriptions of end users'),
  };
}
