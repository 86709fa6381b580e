import { element, join, type Markup, textElement, XML_DECLARATION } from '../../../xml/write.ts';
import { CALL_CONTROL_EVENTS, CALL_CONTROL_SERVICES, MONITORING_SERVICES } from './names.ts';
import type { ConnectionId } from './read-request.ts';

/** Categories and values of ECMA-269's errors that are said here. */
export type CstaError =
  | {
      readonly category: 'operation';
      readonly value:
        | 'invalidCalledDeviceID'
        | 'invalidCallingDeviceID'
        | 'invalidConnectionID'
        | 'invalidMonitorCrossReferenceID'
        | 'invalidMonitorObject'
        | 'invalidDeviceID'
        | 'privilegeViolationSpecifiedDevice'
        | 'serviceNotSupported';
    }
  | { readonly category: 'stateIncompatibility'; readonly value: 'connectedCallExists' | 'noCallToAnswer' }
  | { readonly category: 'systemResource'; readonly value: 'deviceOutOfService' }
  | { readonly category: 'subscribedResource'; readonly value: 'objectMonitorLimitExceeded' }
  | { readonly category: 'unspecified'; readonly value: '' };

/** What a request is answered with. */
export type CstaAnswer =
  | { readonly name: 'RequestSystemStatusResponse'; readonly status: 'normal' | 'disabled' }
  | { readonly name: 'SystemStatusResponse' }
  | { readonly name: 'GetCSTAFeaturesResponse' }
  | { readonly name: 'MonitorStartResponse'; readonly crossRefId: string }
  | { readonly name: 'MonitorStopResponse' }
  | { readonly name: 'MakeCallResponse'; readonly connection: ConnectionId }
  | { readonly name: 'AnswerCallResponse' }
  | { readonly name: 'ClearConnectionResponse' }
  | { readonly name: 'CSTAErrorCode'; readonly error: CstaError };

/** The whole document. @param namespace the edition that the client speaks */
export function writeCstaAnswer(answer: CstaAnswer, namespace: string): string {
  return XML_DECLARATION + element(answer.name, { xmlns: namespace }, content(answer));
}

/** `callID` and `deviceID` in an element. */
export function connection(name: string, { callId, deviceId }: ConnectionId): Markup {
  return element(name, undefined, textElement('callID', callId), textElement('deviceID', deviceId));
}

function content(answer: CstaAnswer): Markup {
  switch (answer.name) {
    case 'RequestSystemStatusResponse':
      return textElement('systemStatus', answer.status);
    case 'GetCSTAFeaturesResponse':
      return join([
        element(
          'supportedServices',
          undefined,
          flags('monitoringServList', MONITORING_SERVICES),
          flags('callControlServList', CALL_CONTROL_SERVICES),
        ),
        element('supportedEvents', undefined, flags('callControlEvtsList', CALL_CONTROL_EVENTS)),
      ]);
    case 'MonitorStartResponse':
      return textElement('monitorCrossRefID', answer.crossRefId);
    case 'MakeCallResponse':
      return connection('callingDevice', answer.connection);
    case 'CSTAErrorCode':
      return textElement(answer.error.category, answer.error.value);
    default:
      return join([]);
  }
}

function flags(list: string, names: readonly string[]): Markup {
  return element(list, undefined, ...names.map((name) => textElement(name, true)));
}
