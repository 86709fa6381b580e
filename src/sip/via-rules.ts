import { isIP } from 'node:net';
import { type SipRequest, topVia } from './message/message.ts';
import { bareHost, defaultPort, type Flow, type Hop } from './transport/flow.ts';
import { writeVia } from './values/via.ts';

/**
 * Notes in the topmost Via where the request really came from: `received` when sent-by is another address (RFC 3261
 * 18.2.1), `received` and `rport` when the client asks for it (RFC 3581 4). What a client wrote there itself is not kept.
 */
export function noteSource(request: SipRequest, flow: Flow): void {
  const via = topVia(request);
  const { address, port } = flow.remote;
  const asksForPort = via.params.has('rport');
  const isElsewhere = bareHost(via.host) !== address;
  if (!asksForPort && !isElsewhere && !via.params.has('received')) return;
  const params = new Map(via.params);
  if (asksForPort) params.set('rport', String(port));
  if (asksForPort || isElsewhere) params.set('received', address);
  else params.delete('received');
  request.headers.replaceFirst('via', writeVia({ ...via, params }));
}

/**
 * Where a response goes when it cannot go back the way the request came (RFC 3261 18.2.2): over UDP always told by Via,
 * over a connection only when that is closed. `maddr` is for multicast and not obeyed.
 */
export function responseHop(request: SipRequest, flow: Flow): Hop {
  const via = topVia(request);
  const { transport, remote } = flow;
  if (transport === 'UDP') {
    const port = via.params.has('rport') ? remote.port : (via.port ?? defaultPort(transport));
    return { transport, address: remote.address, port };
  }
  const host = bareHost(via.host);
  const address = via.params.get('received') ?? (isIP(host) === 0 ? remote.address : host);
  return { transport, address, port: via.port ?? defaultPort(transport), serverName: host };
}
