import { element, join, type Markup, textElement, XML_DECLARATION } from '../../../xml/write.ts';
import type { LineEvent } from '../line-control/line-control.ts';
import { connection } from './write-answer.ts';

export interface EventContext {
  readonly namespace: string;
  /** The monitor that it is for. */
  readonly crossRefId: string;
  /** How the client knows a number: its own line by the URI that it wrote itself. */
  readonly deviceOf: (number: string) => string;
}

const NAMES: Readonly<Record<LineEvent['kind'], string>> = {
  originated: 'OriginatedEvent',
  delivered: 'DeliveredEvent',
  established: 'EstablishedEvent',
  cleared: 'ConnectionClearedEvent',
  failed: 'FailedEvent',
};

/** Elements of each event, in the order of ECMA-323. */
const CONTENTS: Readonly<Record<LineEvent['kind'], (facts: EventFacts) => Markup>> = {
  originated: ({ party, calling, called }) =>
    join([connection('originatedConnection', party), device('callingDevice', calling), device('calledDevice', called)]),
  delivered: (facts) =>
    join([connection('connection', facts.party), device('alertingDevice', facts.party.deviceId), parties(facts)]),
  established: (facts) =>
    join([
      connection('establishedConnection', facts.party),
      device('answeringDevice', facts.party.deviceId),
      parties(facts),
    ]),
  cleared: ({ party }) => join([connection('droppedConnection', party), device('releasingDevice', party.deviceId)]),
  failed: (facts) =>
    join([connection('failedConnection', facts.party), device('failingDevice', facts.party.deviceId), parties(facts)]),
};

interface EventFacts {
  readonly party: { readonly callId: string; readonly deviceId: string };
  readonly calling: string;
  readonly called: string;
}

/** An event as the whole document of an INFO. */
export function writeCstaEvent(event: LineEvent, { namespace, crossRefId, deviceOf }: EventContext): string {
  const facts: EventFacts = {
    party: { callId: event.callId, deviceId: deviceOf(event.party) },
    calling: deviceOf(event.calling),
    called: deviceOf(event.called),
  };
  return (
    XML_DECLARATION +
    element(
      NAMES[event.kind],
      { xmlns: namespace },
      textElement('monitorCrossRefID', crossRefId),
      CONTENTS[event.kind](facts),
      textElement('localConnectionInfo', event.local),
      textElement('cause', event.cause),
    )
  );
}

function device(name: string, id: string): Markup {
  return element(name, undefined, textElement('deviceIdentifier', id));
}

/** Nobody forwards calls here, so there is no device that redirected one. */
function parties({ calling, called }: EventFacts): Markup {
  return join([
    device('callingDevice', calling),
    device('calledDevice', called),
    element('lastRedirectionDevice', undefined, element('notRequired')),
  ]);
}
