import type { Metrics } from '../../platform/metrics.ts';
import type { ClientIntakeCounters, StreamEnd } from '../../xmpp/xmpp.ts';

/** Connections of XMPP clients, by the names that administrators know; they count from the node's start. */
export function createConnectionCounters(metrics: Metrics): ClientIntakeCounters {
  const counter = (name: string, help: string) => metrics.counter(name, help);
  const ends = {
    clientTcp: counter('CmXMPPStreamsClosedClientTCP', 'Streams whose connection broke'),
    disconnect: counter('CmXMPPStreamsClosedDisconnect', 'Streams that the client closed'),
    shutdown: counter('CmXMPPStreamsClosedSystemShutdown', 'Streams ended because the service stops'),
    seeOtherHost: counter('CmXMPPStreamsClosedSeeOtherHost', 'Streams sent to another node'),
    streamError: counter('CmXMPPStreamsClosedStreamError', 'Streams ended by any other error'),
  };
  const connected = metrics.gauge('CmConnectedSockets', 'Connections of clients');
  const accepted = counter('CmSocketsAccepted', 'Connections accepted');
  const closed = counter('CmSocketsClosed', 'Connections closed');
  const paused = counter('CmSocketOperationsPaused', 'Times that all clients were held back');
  const refused = counter(
    'imp_cm_connections_refused_total',
    'Connections refused: too many of one address, or of all',
  );
  const throttled = counter('imp_cm_streams_throttled_total', 'Streams slowed down because they sent too much');
  return {
    connected: (count) => connected.set(count),
    accepted: () => accepted.inc(),
    closed: () => closed.inc(),
    paused: () => paused.inc(),
    refused: () => refused.inc(),
    throttled: () => throttled.inc(),
    streamClosed({ isOrderly, error }: StreamEnd): void {
      if (error === null) ends[isOrderly ? 'disconnect' : 'clientTcp'].inc();
      else if (error.condition === 'system-shutdown') ends.shutdown.inc();
      else if (error.condition === 'see-other-host') ends.seeOtherHost.inc();
      else ends.streamError.inc();
    },
  };
}
