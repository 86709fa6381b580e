import type { TimerName } from './timing.ts';

/** What a transaction does on its way; the machine says when, the transaction how. */
export type Effect =
  /** The request of a client, the last response of a server. */
  | 'send'
  | 'send-trying'
  /** ACK of a final response other than 2xx. */
  | 'ack'
  /** What came from the network goes up. */
  | 'deliver'
  | 'time-out'
  | 'transport-error';

export interface Row<State extends string, Event extends string> {
  readonly from: State;
  readonly on: Event | TimerName;
  readonly to: State;
  readonly effects: readonly Effect[];
}

/** A state machine as its table. What is no row is ignored. A state's timers run while it lasts. */
export interface Machine<State extends string, Event extends string> {
  readonly initial: State;
  readonly rows: readonly Row<State, Event>[];
  readonly timers: Readonly<Partial<Record<State, readonly TimerName[]>>>;
}

export type ClientEvent = '1xx' | '2xx' | '300-699' | 'transport-error';
export type ServerEvent = 'request' | 'ack' | 'tu-1xx' | 'tu-2xx' | 'tu-300-699' | 'transport-error';

type Rows<S extends string, E extends string> = readonly (readonly [S, E | TimerName, S, readonly Effect[]])[];

function machine<S extends string, E extends string>(
  initial: S,
  timers: Readonly<Partial<Record<S, readonly TimerName[]>>>,
  rows: Rows<S, E>,
): Machine<S, E> {
  return { initial, timers, rows: rows.map(([from, on, to, effects]) => ({ from, on, to, effects })) };
}

export type InviteClientState = 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated';

/** RFC 3261 figure 5 with RFC 6026 7.2: a 2xx leads to Accepted, where further ones go up. */
export const INVITE_CLIENT = machine<InviteClientState, ClientEvent>(
  'calling',
  { calling: ['A', 'B'], completed: ['D'], accepted: ['M'] },
  [
    ['calling', 'A', 'calling', ['send']],
    ['calling', 'B', 'terminated', ['time-out']],
    ['calling', 'transport-error', 'terminated', ['transport-error']],
    ['calling', '1xx', 'proceeding', ['deliver']],
    ['calling', '2xx', 'accepted', ['deliver']],
    ['calling', '300-699', 'completed', ['ack', 'deliver']],
    ['proceeding', '1xx', 'proceeding', ['deliver']],
    ['proceeding', '2xx', 'accepted', ['deliver']],
    ['proceeding', '300-699', 'completed', ['ack', 'deliver']],
    ['proceeding', 'transport-error', 'terminated', ['transport-error']],
    ['completed', '300-699', 'completed', ['ack']],
    ['completed', 'transport-error', 'terminated', []],
    ['completed', 'D', 'terminated', []],
    ['accepted', '2xx', 'accepted', ['deliver']],
    ['accepted', 'M', 'terminated', []],
  ],
);

export type OtherClientState = 'trying' | 'proceeding' | 'completed' | 'terminated';

/** RFC 3261 figure 6. */
export const OTHER_CLIENT = machine<OtherClientState, ClientEvent>(
  'trying',
  { trying: ['E', 'F'], proceeding: ['E', 'F'], completed: ['K'] },
  [
    ['trying', 'E', 'trying', ['send']],
    ['trying', 'F', 'terminated', ['time-out']],
    ['trying', 'transport-error', 'terminated', ['transport-error']],
    ['trying', '1xx', 'proceeding', ['deliver']],
    ['trying', '2xx', 'completed', ['deliver']],
    ['trying', '300-699', 'completed', ['deliver']],
    ['proceeding', 'E', 'proceeding', ['send']],
    ['proceeding', 'F', 'terminated', ['time-out']],
    ['proceeding', 'transport-error', 'terminated', ['transport-error']],
    ['proceeding', '1xx', 'proceeding', ['deliver']],
    ['proceeding', '2xx', 'completed', ['deliver']],
    ['proceeding', '300-699', 'completed', ['deliver']],
    ['completed', 'K', 'terminated', []],
  ],
);

export type InviteServerState = 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated';

/** RFC 3261 figure 7 with RFC 6026 7.1: a 2xx leads to Accepted, which absorbs the INVITE's retransmissions. */
export const INVITE_SERVER = machine<InviteServerState, ServerEvent>(
  'proceeding',
  { proceeding: ['trying'], completed: ['G', 'H'], confirmed: ['I'], accepted: ['L'] },
  [
    ['proceeding', 'request', 'proceeding', ['send']],
    ['proceeding', 'trying', 'proceeding', ['send-trying']],
    ['proceeding', 'tu-1xx', 'proceeding', ['send']],
    ['proceeding', 'tu-2xx', 'accepted', ['send']],
    ['proceeding', 'tu-300-699', 'completed', ['send']],
    ['proceeding', 'transport-error', 'proceeding', ['transport-error']],
    ['completed', 'request', 'completed', ['send']],
    ['completed', 'G', 'completed', ['send']],
    ['completed', 'H', 'terminated', ['time-out']],
    ['completed', 'ack', 'confirmed', []],
    ['completed', 'transport-error', 'completed', ['transport-error']],
    ['confirmed', 'I', 'terminated', []],
    ['accepted', 'tu-2xx', 'accepted', ['send']],
    ['accepted', 'ack', 'accepted', ['deliver']],
    ['accepted', 'transport-error', 'accepted', ['transport-error']],
    ['accepted', 'L', 'terminated', []],
  ],
);

export type OtherServerState = 'trying' | 'proceeding' | 'completed' | 'terminated';

/** RFC 3261 figure 8 with RFC 4320: a 100 only when the client is slow to ask again, no answer after it gave up. */
export const OTHER_SERVER = machine<OtherServerState, ServerEvent>(
  'trying',
  { trying: ['late-trying', 'abandon'], proceeding: ['abandon'], completed: ['J'] },
  [
    ['trying', 'late-trying', 'proceeding', ['send-trying']],
    ['trying', 'abandon', 'terminated', ['time-out']],
    ['trying', 'tu-2xx', 'completed', ['send']],
    ['trying', 'tu-300-699', 'completed', ['send']],
    ['proceeding', 'request', 'proceeding', ['send']],
    ['proceeding', 'abandon', 'terminated', ['time-out']],
    ['proceeding', 'tu-2xx', 'completed', ['send']],
    ['proceeding', 'tu-300-699', 'completed', ['send']],
    ['proceeding', 'transport-error', 'terminated', ['transport-error']],
    ['completed', 'request', 'completed', ['send']],
    ['completed', 'transport-error', 'terminated', ['transport-error']],
    ['completed', 'J', 'terminated', []],
  ],
);
