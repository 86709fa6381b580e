import type { Metrics } from '../../platform/metrics.ts';
import type { ClientIntakeCounters } from '../../xmpp/xmpp.ts';

/** Clients of the web, by the names that administrators know; they count from the node's start. */
export function createWebConnectionCounters(metrics: Metrics): ClientIntakeCounters & { failedRequest(): void } {
  const connected = metrics.gauge('WebCMConnectedSockets', 'Streams over WebSocket and BOSH');
  const failed = metrics.counter('WebCMFailedRequests', 'HTTP requests of XMPP clients that were refused');
  const refused = metrics.counter(
    'imp_webcm_streams_refused_total',
    'Streams refused: too many of one address, or of all',
  );
  return {
    connected: (count) => connected.set(count),
    refused: () => refused.inc(),
    failedRequest: () => failed.inc(),
  };
}
