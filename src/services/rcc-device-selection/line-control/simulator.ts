import type { Clock } from '../../../platform/clock.ts';
import {
  type EventCause,
  type LineAddress,
  type LineControl,
  LineError,
  type LineEvent,
  type LocalState,
  type OpenLine,
} from './line-control.ts';

export interface SimulatorOptions {
  /** After how many seconds somebody answers at a number that no session drives; 0: nobody does. */
  readonly answerSeconds: number;
}

interface Line {
  readonly address: LineAddress;
  readonly listener: (event: LineEvent) => void;
  calls: number;
}

interface Party {
  readonly number: string;
  /** Undefined where no session drives one. */
  readonly line: Line | undefined;
  readonly isBusy: boolean;
}

interface Call {
  readonly id: string;
  readonly caller: Party;
  readonly callee: Party;
  state: 'ringing' | 'connected';
  answer: Disposable | undefined;
}

const NUMBER = /^\+?[0-9*#A-D]+$/;

/**
 * Telephones that are not there: every phone of the IDS can be driven, calls have two parties, and each line has at most
 * one call (docs/services/rcc-device-selection.md). A number that a session drives rings there; at any other one
 * somebody answers after a while. There is no handset: a line that is closed hangs up.
 */
export function createSimulator({ clock }: { readonly clock: Clock }, options: SimulatorOptions): LineControl {
  const lines = new Set<Line>();
  const calls = new Map<string, Call>();
  let lastCall = 0;

  const tell = (
    call: Call,
    to: Party,
    kind: LineEvent['kind'],
    about: Party,
    local: LocalState,
    cause: EventCause,
  ): void => {
    const { id: callId, caller, callee } = call;
    to.line?.listener({
      kind,
      callId,
      calling: caller.number,
      called: callee.number,
      party: about.number,
      local,
      cause,
    });
  };

  const connect = (call: Call): void => {
    call.answer?.[Symbol.dispose]();
    call.state = 'connected';
    for (const party of [call.caller, call.callee])
      tell(call, party, 'established', call.callee, 'connected', 'newCall');
  };

  /** The one who hangs up hears of their own connection; the other of both, since nobody is left to talk to. */
  const end = (call: Call, by: Party): void => {
    call.answer?.[Symbol.dispose]();
    calls.delete(call.id);
    const other = by === call.caller ? call.callee : call.caller;
    const otherState: LocalState = call.state === 'connected' || other === call.caller ? 'connected' : 'alerting';
    for (const { line } of [by, other]) if (line) line.calls -= 1;
    tell(call, by, 'cleared', by, 'null', 'normalClearing');
    tell(call, other, 'cleared', by, otherState, 'normalClearing');
    tell(call, other, 'cleared', other, 'null', 'normalClearing');
  };

  const ring = (call: Call): void => {
    const { caller, callee } = call;
    tell(call, caller, 'originated', caller, 'connected', 'newCall');
    if (callee.isBusy) {
      tell(call, caller, 'failed', callee, 'connected', 'busy');
      return;
    }
    if (callee.line) callee.line.calls += 1;
    tell(call, caller, 'delivered', callee, 'connected', 'newCall');
    tell(call, callee, 'delivered', callee, 'alerting', 'newCall');
    if (callee.line === undefined && options.answerSeconds > 0) {
      call.answer = clock.schedule(options.answerSeconds * 1_000, () => connect(call));
    }
  };

  /** Who is at a number. Sessions may share it: the first one without a call rings. */
  const calleeAt = (number: string): Party => {
    const all = [...lines].filter(({ address }) => address.number === number);
    const line = all.find((each) => each.calls === 0);
    return { number, line, isBusy: line === undefined && all.length > 0 };
  };

  const partyOf = (line: Line, callId: string): { readonly call: Call; readonly party: Party } => {
    const call = calls.get(callId);
    const party = [call?.caller, call?.callee].find((each) => each?.line === line);
    if (!call || !party) throw new LineError('no-such-call', 'the line has no such call');
    return { call, party };
  };

  const handleOf = (line: Line): OpenLine => ({
    address: line.address,
    async makeCall(destination) {
      if (!NUMBER.test(destination)) throw new LineError('invalid-number', 'that is no number to dial');
      if (!lines.has(line)) throw new LineError('out-of-service', 'the line is closed');
      if (line.calls > 0) throw new LineError('wrong-state', 'the line has a call');
      lastCall += 1;
      line.calls += 1;
      const caller = { number: line.address.number, line, isBusy: false };
      const callee = calleeAt(destination);
      const call: Call = { id: String(lastCall), caller, callee, state: 'ringing', answer: undefined };
      calls.set(call.id, call);
      ring(call);
      return call.id;
    },
    async answerCall(callId) {
      const { call, party } = partyOf(line, callId);
      if (call.state !== 'ringing' || party !== call.callee) {
        throw new LineError('wrong-state', 'there is nothing to answer');
      }
      connect(call);
    },
    async clearConnection(callId) {
      const { call, party } = partyOf(line, callId);
      end(call, party);
    },
    async [Symbol.asyncDispose]() {
      if (!lines.delete(line)) return;
      for (const call of [...calls.values()]) {
        const party = [call.caller, call.callee].find((each) => each.line === line);
        if (party) end(call, party);
      }
    },
  });

  return {
    name: 'simulator',
    async open(scope) {
      scope.defer(() => {
        for (const call of calls.values()) call.answer?.[Symbol.dispose]();
        calls.clear();
        lines.clear();
      });
    },
    async openLine(address, listener) {
      const line: Line = { address, listener, calls: 0 };
      lines.add(line);
      return handleOf(line);
    },
    onState: () => ({ [Symbol.dispose]: () => undefined }),
  };
}
