import type { ConnectionId, CstaRequest } from '../csta/read-request.ts';
import type { CstaAnswer, CstaError } from '../csta/write-answer.ts';
import { writeCstaEvent } from '../csta/write-event.ts';
import { LineError, type LineEvent, type LineProblem, type OpenLine } from '../line-control/line-control.ts';
import { dialledNumber, telUri } from '../selection/line-uri.ts';

export interface CstaSessionNeeds {
  /** The edition that the client speaks. */
  readonly namespace: string;
  /** The Line URI as the client wrote it: it knows its own line by that. */
  readonly lineUri: string;
  /** Makes of what the client names the number to dial; null when it is none. */
  readonly numberOf: (called: string) => Promise<string | null>;
  readonly newId: () => string;
  readonly maxMonitors: number;
  /** An event for the client, as the whole body of an INFO. */
  readonly send: (body: string, kind: LineEvent['kind']) => void;
}

/**
 * A CSTA session on one line, without SIP: requests in, answers and events out. Events that happen while a request is
 * worked on wait until its answer has gone: a client learns the id of a call before it hears of it.
 */
export interface CstaSession {
  /** The line it drives; changed until the session is established. */
  line: OpenLine | undefined;
  /** What to answer; `release` is to be called when that has been sent. */
  handle(request: CstaRequest): Promise<CstaAnswer>;
  release(): void;
  hear(event: LineEvent): void;
  /** No event is sent after this. */
  end(): void;
  readonly monitors: number;
}

const ERRORS: Readonly<Record<LineProblem, CstaError>> = {
  'not-ours': { category: 'operation', value: 'invalidDeviceID' },
  'invalid-number': { category: 'operation', value: 'invalidCalledDeviceID' },
  'no-such-call': { category: 'operation', value: 'invalidConnectionID' },
  'wrong-state': { category: 'stateIncompatibility', value: 'connectedCallExists' },
  'out-of-service': { category: 'systemResource', value: 'deviceOutOfService' },
};

export function createCstaSession(needs: CstaSessionNeeds): CstaSession {
  const monitors = new Set<string>();
  const waiting: LineEvent[] = [];
  let working = 0;
  let hasEnded = false;

  const deviceOf = (number: string): string =>
    number === session.line?.address.number ? needs.lineUri : telUri(number);

  const deliver = (event: LineEvent): void => {
    for (const crossRefId of monitors) {
      needs.send(writeCstaEvent(event, { namespace: needs.namespace, crossRefId, deviceOf }), event.kind);
    }
  };

  const run = async (request: CstaRequest, line: OpenLine | undefined): Promise<CstaAnswer> => {
    switch (request.name) {
      case 'RequestSystemStatus':
        return { name: 'RequestSystemStatusResponse', status: line === undefined ? 'disabled' : 'normal' };
      case 'SystemStatus':
        return { name: 'SystemStatusResponse' };
      case 'GetCSTAFeatures':
        return { name: 'GetCSTAFeaturesResponse' };
      case 'MonitorStart': {
        if (request.device === '') return refused('operation', 'invalidMonitorObject');
        if (!isOwnLine(request.device)) return refused('operation', 'privilegeViolationSpecifiedDevice');
        if (monitors.size >= needs.maxMonitors) return refused('subscribedResource', 'objectMonitorLimitExceeded');
        const crossRefId = needs.newId();
        monitors.add(crossRefId);
        return { name: 'MonitorStartResponse', crossRefId };
      }
      case 'MonitorStop':
        return monitors.delete(request.crossRefId)
          ? { name: 'MonitorStopResponse' }
          : refused('operation', 'invalidMonitorCrossReferenceID');
      case 'MakeCall': {
        if (!isOwnLine(request.callingDevice)) return refused('operation', 'invalidCallingDeviceID');
        const number = await needs.numberOf(request.called);
        if (number === null) return refused('operation', 'invalidCalledDeviceID');
        const callId = await open(line).makeCall(number);
        return { name: 'MakeCallResponse', connection: { callId, deviceId: needs.lineUri } };
      }
      case 'AnswerCall':
        await open(line).answerCall(callOf(request.connection));
        return { name: 'AnswerCallResponse' };
      case 'ClearConnection':
        await open(line).clearConnection(callOf(request.connection));
        return { name: 'ClearConnectionResponse' };
      case 'other':
        return refused('operation', 'serviceNotSupported');
    }
  };

  /** By the number: clients shorten the URI. */
  const isOwnLine = (device: string): boolean => {
    const number = dialledNumber(device);
    return number !== null && number === dialledNumber(needs.lineUri);
  };

  const session: CstaSession = {
    line: undefined,
    async handle(request) {
      working += 1;
      try {
        return await run(request, session.line);
      } catch (error) {
        if (!(error instanceof LineError)) throw error;
        if (error.problem === 'wrong-state' && request.name === 'AnswerCall') {
          return refused('stateIncompatibility', 'noCallToAnswer');
        }
        return { name: 'CSTAErrorCode', error: ERRORS[error.problem] };
      }
    },
    release() {
      working -= 1;
      if (working > 0) return;
      for (const event of waiting.splice(0)) deliver(event);
    },
    hear(event) {
      if (hasEnded) return;
      if (working > 0) waiting.push(event);
      else deliver(event);
    },
    end() {
      hasEnded = true;
      waiting.length = 0;
      monitors.clear();
    },
    get monitors() {
      return monitors.size;
    },
  };
  return session;
}

/** Clients name either party's connection: a line takes itself out of the call whichever it is. */
function callOf({ callId }: ConnectionId): string {
  return callId;
}

function open(line: OpenLine | undefined): OpenLine {
  if (line === undefined) throw new LineError('out-of-service', 'the session has no line');
  return line;
}

function refused<Category extends CstaError['category']>(
  category: Category,
  value: Extract<CstaError, { readonly category: Category }>['value'],
): CstaAnswer {
  return { name: 'CSTAErrorCode', error: { category, value } as CstaError };
}
