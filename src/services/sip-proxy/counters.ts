import type { Counter, Gauge } from 'prom-client';
import type { Metrics } from '../../platform/metrics.ts';
import type { SipStatistics } from '../../sip/statistics.ts';

/** The product's counters of the SIP Proxy. They count from the start of the node. */
export interface SipProxyCounters {
  /** A request that came in; `isForeign`: from another domain. */
  requestIn(method: string, isForeign: boolean): void;
  requestOut(method: string, isForeign: boolean): void;
  readonly registered: { inc(): void };
  readonly registerFailed: { inc(): void };
  /** A call on the control port; `isIpc`: that the configuration has changed. */
  controlRequest(isIpc: boolean): void;
  /** How busy the one thread was since it was last asked, 0 to 1; undefined: the proxy does not run. */
  load(utilization: number | undefined): void;
  /** Takes over what the endpoint has counted since it was last asked. */
  readStatistics(statistics: Readonly<SipStatistics>): void;
}

const SERVICE = 'sip-proxy';
/** Where the thread begins to be working, busy and swamped. */
const LOADS = [0.1, 0.6, 0.9];
const METHODS = { SUBSCRIBE: 'Subscribe', NOTIFY: 'Notify', MESSAGE: 'Message', INVITE: 'Invite' } as const;

export function createSipProxyCounters(metrics: Metrics): SipProxyCounters {
  const counter = (name: string, help: string): Counter.Internal =>
    (metrics.counter(name, help, ['service']) as Counter<'service'>).labels(SERVICE);
  const byMethod = (direction: 'In' | 'Out', isForeign: boolean): ReadonlyMap<string, Counter.Internal> =>
    new Map(
      Object.entries(METHODS).map(([method, name]) => [
        method,
        counter(
          `SIP${name}Request${direction}${isForeign ? 'Foreign' : ''}`,
          `${method} requests ${direction === 'In' ? 'received from' : 'sent to'} ${isForeign ? 'other domains' : 'users and nodes of the cluster'}`,
        ),
      ]),
    );
  const [own, foreign] = [false, true].map((isForeign) => ({
    in: byMethod('In', isForeign),
    out: byMethod('Out', isForeign),
  })) as [ByDirection, ByDirection];
  const registers = counter('SIPRegisterRequestIn', 'REGISTER requests received');
  const retransmits = counter('SIPRetransmits', 'Requests and responses sent again');
  const tcp = counter('Sip_Tcp_Requests', 'Requests received over TCP and TLS');
  const udp = counter('Sip_Udp_Requests', 'Requests received over UDP');
  const timers = counter('Proxy_Timer_Events', 'Timers of SIP transactions that have run out');
  const http = counter('HttpRequests', 'Requests on the control port');
  const ipc = counter('Ipc_Requests', 'Calls that the configuration has changed');
  const gauge = (name: string, help: string): Gauge.Internal<'service'> =>
    (metrics.gauge(name, help, ['service']) as Gauge<'service'>).labels(SERVICE);
  const workers = gauge('NumSipdWorker', 'Threads that serve SIP: the one of the node, while the proxy runs');
  const idle = gauge('NumIdleSipdWorkers', 'Of those, the ones that were idle for most of the last second');
  const status = gauge('ServerLoadStatus', '0 idle, 1 working, 2 busy, 3 swamped: the thread in the last second');
  const seen = { retransmits: 0, tcp: 0, udp: 0, timers: 0 };
  return {
    requestIn(method, isForeign) {
      if (method === 'REGISTER') registers.inc();
      else (isForeign ? foreign : own).in.get(method)?.inc();
    },
    requestOut: (method, isForeign) => (isForeign ? foreign : own).out.get(method)?.inc(),
    registered: counter('SIPClientRegistered', 'Registrations made or refreshed'),
    registerFailed: counter('SIPClientRegisterFailed', 'Registrations refused, first challenges not among them'),
    controlRequest(isIpc) {
      http.inc();
      if (isIpc) ipc.inc();
    },
    load(utilization) {
      workers.set(utilization === undefined ? 0 : 1);
      idle.set(utilization !== undefined && utilization < 0.5 ? 1 : 0);
      status.set(LOADS.filter((mark) => (utilization ?? 0) > mark).length);
    },
    readStatistics(statistics) {
      const { transport } = statistics.requestsInBy;
      const now = {
        retransmits: statistics.retransmissionsOut,
        tcp: transport.TCP + transport.TLS,
        udp: transport.UDP,
        timers: statistics.timersFired,
      };
      // An endpoint that was made anew counts from zero.
      const grown = (name: keyof typeof seen): number => now[name] - (now[name] < seen[name] ? 0 : seen[name]);
      retransmits.inc(grown('retransmits'));
      tcp.inc(grown('tcp'));
      udp.inc(grown('udp'));
      timers.inc(grown('timers'));
      Object.assign(seen, now);
    },
  };
}

interface ByDirection {
  readonly in: ReadonlyMap<string, Counter.Internal>;
  readonly out: ReadonlyMap<string, Counter.Internal>;
}
