/** Counts since the endpoint was made; the last four are how many there are now. */
export interface SipStatistics {
  requestsIn: number;
  requestsOut: number;
  responsesIn: number;
  responsesOut: number;
  /** Requests in, by transport and by method (methods past the thirtieth count as `other`). */
  readonly requestsInBy: {
    readonly transport: Record<'UDP' | 'TCP' | 'TLS', number>;
    readonly method: Map<string, number>;
  };
  /** Requests that a transaction knew already, and what was sent again. */
  retransmissionsIn: number;
  retransmissionsOut: number;
  malformed: number;
  /** Responses of no transaction, ACK and CANCEL of none. */
  stray: number;
  timeouts: number;
  transportErrors: number;
  /** Timers of transactions that have run out. */
  timersFired: number;
  /** Requests answered 503 because there were too many transactions. */
  shed: number;
  /** Connections refused by a cap. */
  connectionsRefused: number;
  connectionsClosedIdle: number;
  /** Times that reading from a connection was paused by its rate or because its peer did not read. */
  pauses: number;
  connections: number;
  serverTransactions: number;
  clientTransactions: number;
}

const MAX_METHODS = 30;

export function createStatistics(): SipStatistics {
  return {
    requestsIn: 0,
    requestsOut: 0,
    responsesIn: 0,
    responsesOut: 0,
    requestsInBy: { transport: { UDP: 0, TCP: 0, TLS: 0 }, method: new Map() },
    retransmissionsIn: 0,
    retransmissionsOut: 0,
    malformed: 0,
    stray: 0,
    timeouts: 0,
    transportErrors: 0,
    timersFired: 0,
    shed: 0,
    connectionsRefused: 0,
    connectionsClosedIdle: 0,
    pauses: 0,
    connections: 0,
    serverTransactions: 0,
    clientTransactions: 0,
  };
}

/** Methods come from the network: without a bound, their names would be memory for anybody to fill. */
export function countRequest(statistics: SipStatistics, transport: 'UDP' | 'TCP' | 'TLS', method: string): void {
  const { requestsInBy } = statistics;
  statistics.requestsIn += 1;
  requestsInBy.transport[transport] += 1;
  const name = requestsInBy.method.has(method) || requestsInBy.method.size < MAX_METHODS ? method : 'other';
  requestsInBy.method.set(name, (requestsInBy.method.get(name) ?? 0) + 1);
}
