import { element, textOf, type XmlElement } from '../../../xml/element.ts';
import { XmlError } from '../../../xml/errors.ts';
import type { XmlLimits } from '../../../xml/limits.ts';
import { parseXml } from '../../../xml/parse.ts';
import { CSTA_NAMESPACES, LINE_NAMESPACE } from './names.ts';

/** One connection of a call (ECMA-269: a call, and a device in it). */
export interface ConnectionId {
  readonly callId: string;
  readonly deviceId: string;
}

/** What a client may ask, read once. */
export type CstaRequest =
  /** `line` is the Line URI that it signs in for; null when it names none. */
  | { readonly name: 'RequestSystemStatus'; readonly line: string | null }
  | { readonly name: 'SystemStatus' }
  | { readonly name: 'GetCSTAFeatures' }
  | { readonly name: 'MonitorStart'; readonly device: string }
  | { readonly name: 'MonitorStop'; readonly crossRefId: string }
  | { readonly name: 'MakeCall'; readonly callingDevice: string; readonly called: string }
  | { readonly name: 'AnswerCall'; readonly connection: ConnectionId }
  | { readonly name: 'ClearConnection'; readonly connection: ConnectionId }
  /** Good CSTA that we do not serve. */
  | { readonly name: 'other' };

export type CstaRequestName = CstaRequest['name'];

export interface CstaMessage {
  /** The edition that it is written in. */
  readonly namespace: string;
  readonly request: CstaRequest;
}

const LIMITS: XmlLimits = { depth: 16, elements: 200, attributesPerElement: 16 };

/** The message of a body; null when it is no CSTA. */
export function readCstaMessage(body: Buffer | string): CstaMessage | null {
  let root: XmlElement;
  try {
    root = parseXml(body.toString('utf8').trimStart(), LIMITS);
  } catch (error) {
    if (error instanceof XmlError) return null;
    throw error;
  }
  return CSTA_NAMESPACES.test(root.uri) ? { namespace: root.uri, request: requestOf(root) } : null;
}

function requestOf(root: XmlElement): CstaRequest {
  switch (root.local) {
    case 'RequestSystemStatus':
      return { name: root.local, line: lineOf(root) };
    case 'SystemStatus':
    case 'GetCSTAFeatures':
      return { name: root.local };
    case 'MonitorStart':
      return { name: root.local, device: at(root, 'monitorObject', 'deviceObject') };
    case 'MonitorStop':
      return { name: root.local, crossRefId: at(root, 'monitorCrossRefID') };
    case 'MakeCall':
      return {
        name: root.local,
        callingDevice: at(root, 'callingDevice'),
        called: at(root, 'calledDirectoryNumber'),
      };
    case 'AnswerCall':
      return { name: root.local, connection: connectionAt(root, 'callToBeAnswered') };
    case 'ClearConnection':
      return { name: root.local, connection: connectionAt(root, 'connectionToBeCleared') };
    default:
      return { name: 'other' };
  }
}

/** Text below a path of names; '' when something of it is missing. */
function at(root: XmlElement, ...path: readonly string[]): string {
  let found: XmlElement | undefined = root;
  for (const name of path) found = found && element(found, name);
  return found === undefined ? '' : textOf(found).trim();
}

function connectionAt(root: XmlElement, name: string): ConnectionId {
  return { callId: at(root, name, 'callID'), deviceId: at(root, name, 'deviceID') };
}

function lineOf(root: XmlElement): string | null {
  let found: XmlElement | undefined = root;
  for (const name of ['extensions', 'privateData', 'private']) found = found && element(found, name);
  const line = found && element(found, 'line', LINE_NAMESPACE);
  return line === undefined ? null : textOf(line).trim();
}
