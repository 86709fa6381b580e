import { textOf, type XmlElement } from '../xml/element.ts';
import { join, type Markup, textElement } from '../xml/write.ts';

/** WS-Addressing 1.0, and the submission of 2004 that older clients speak. */
const NAMESPACES: ReadonlySet<string> = new Set([
  'http://www.w3.org/2005/08/addressing',
  'http://schemas.xmlsoap.org/ws/2004/08/addressing',
]);
const FAULT_ACTION: Readonly<Record<string, string>> = {
  'http://www.w3.org/2005/08/addressing': 'http://www.w3.org/2005/08/addressing/soap/fault',
  'http://schemas.xmlsoap.org/ws/2004/08/addressing': 'http://schemas.xmlsoap.org/ws/2004/08/addressing/fault',
};
const UNDERSTOOD: ReadonlySet<string> = new Set([
  'Action',
  'To',
  'MessageID',
  'ReplyTo',
  'FaultTo',
  'From',
  'RelatesTo',
]);

/** What an answer needs of the request's addressing headers. */
export interface RequestAddressing {
  readonly namespace: string;
  readonly messageId: string | null;
}

/** Whether the header is one of WS-Addressing's that we understand. */
export function isAddressingHeader(header: XmlElement): boolean {
  return NAMESPACES.has(header.uri) && UNDERSTOOD.has(header.local);
}

/** The addressing of a request; undefined when it has none. */
export function readAddressing(headers: readonly XmlElement[]): RequestAddressing | undefined {
  const namespace = headers.find(isAddressingHeader)?.uri;
  if (namespace === undefined) return undefined;
  const messageId = headers.find((header) => header.local === 'MessageID' && header.uri === namespace);
  return { namespace, messageId: messageId === undefined ? null : textOf(messageId).trim() };
}

/** Header blocks of the answer: `Action` and `RelatesTo` in the request's own namespace (WS-Addressing 1.0 Core 3.4). */
export function writeAddressing(addressing: RequestAddressing, action: string): Markup {
  const namespace = { 'xmlns:a': addressing.namespace };
  return join([
    textElement('a:Action', action, namespace),
    ...(addressing.messageId === null ? [] : [textElement('a:RelatesTo', addressing.messageId, namespace)]),
  ]);
}

/** The action of an answer that is a fault. */
export function faultAction(addressing: RequestAddressing): string {
  return FAULT_ACTION[addressing.namespace] as string;
}
