import { ENVELOPE_NAMESPACE, type SoapVersion } from '../../../src/soap/envelope.ts';
import { element as child, textOf, type XmlElement } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';

export const EPAS = 'urn:cisco:epas:soap';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The body's child. */
  readonly payload: XmlElement;
}

export interface PostOptions {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CallOptions extends PostOptions {
  readonly key?: string;
  readonly version?: SoapVersion;
  /** More header blocks. */
  readonly header?: string;
}

export function envelope(payload: string, { key, version = '1.2', header = '' }: CallOptions = {}): string {
  const session = key === undefined ? '' : `<e:session-key xmlns:e="${EPAS}">${key}</e:session-key>`;
  return `<s:Envelope xmlns:s="${ENVELOPE_NAMESPACE[version]}"><s:Header>${session}${header}</s:Header><s:Body>${payload}</s:Body></s:Envelope>`;
}

export function loginRequest(user: string, password: string, attributes = ''): string {
  return `<login xmlns="${EPAS}" ${attributes}><username>${user}</username><password>${password}</password></login>`;
}

export function loginByApplication(user: string, key: string, attributes = 'client-type="thirdclient"'): string {
  return `<login xmlns="${EPAS}" ${attributes}><username>${user}</username><app-session-id>${key}</app-session-id></login>`;
}

/** `<add-contact>` and its kin: groups with the contacts as they are to be written. */
export function contactRequest(operation: string, groups: Readonly<Record<string, readonly string[]>>): string {
  const written = Object.entries(groups).map(
    ([name, personas]) => `<group name="${name}">${personas.join('')}</group>`,
  );
  return `<${operation} xmlns="${EPAS}">${written.join('')}</${operation}>`;
}

export function persona(text: string, attributes = ''): string {
  return `<persona-id ${attributes}>${text}</persona-id>`;
}

export function payloadOf(text: string): XmlElement {
  const body = child(parseXml(text), 'Body');
  const payload = body?.children.find((each): each is XmlElement => typeof each !== 'string');
  if (!payload) throw new Error(`no payload in ${text}`);
  return payload;
}

/** Text at a path of element names below the payload. */
export function at(payload: XmlElement, ...path: readonly string[]): string | undefined {
  let found: XmlElement | undefined = payload;
  for (const name of path) found = found && child(found, name);
  return found && textOf(found);
}

export function keyOf(answer: Answer): string {
  const key = at(answer.payload, 'success', 'session-key');
  if (key === undefined) throw new Error(`no session key in ${answer.text}`);
  return key;
}

/** The number of a fault, from its detail. */
export function faultNumber(answer: Answer): string | undefined {
  return /<e:error code="(\d+)">/.exec(answer.text)?.[1];
}
