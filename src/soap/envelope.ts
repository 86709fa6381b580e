import { attribute, elements, type XmlElement } from '../xml/element.ts';
import type { XmlLimits } from '../xml/limits.ts';
import { parseXml } from '../xml/parse.ts';
import {
  type Attributes,
  closeTag,
  element,
  type Markup,
  openTag,
  textElement,
  XML_DECLARATION,
} from '../xml/write.ts';
import { SoapError } from './errors.ts';

export type SoapVersion = '1.1' | '1.2';

/** SOAP 1.1 section 3, SOAP 1.2 part 1 section 5. */
export const ENVELOPE_NAMESPACE: Readonly<Record<SoapVersion, string>> = {
  '1.1': 'http://schemas.xmlsoap.org/soap/envelope/',
  '1.2': 'http://www.w3.org/2003/05/soap-envelope',
};

export const CONTENT_TYPE: Readonly<Record<SoapVersion, string>> = {
  '1.1': 'text/xml; charset=utf-8',
  '1.2': 'application/soap+xml; charset=utf-8',
};

export interface SoapEnvelope {
  readonly version: SoapVersion;
  readonly headers: readonly XmlElement[];
  /** The one child of the body: document/literal, bare. */
  readonly payload: XmlElement;
}

/**
 * Reads a request. The envelope's namespace alone decides the version; white space around the document is allowed.
 * @throws XmlError when it is no XML we accept; SoapError `soap.not-an-envelope`, `soap.no-single-payload`.
 */
export function parseEnvelope(body: string, limits?: XmlLimits): SoapEnvelope {
  const root = parseXml(body.trimStart(), limits);
  const version: SoapVersion | undefined =
    root.uri === ENVELOPE_NAMESPACE['1.2'] ? '1.2' : root.uri === ENVELOPE_NAMESPACE['1.1'] ? '1.1' : undefined;
  if (root.local !== 'Envelope' || version === undefined) {
    throw new SoapError('soap.not-an-envelope', 'the document is not a SOAP envelope');
  }
  const parts = elements(root, undefined, root.uri);
  const header = parts.find((part) => part.local === 'Header');
  const bodies = parts.filter((part) => part.local === 'Body');
  const payloads = bodies.flatMap((part) => elements(part));
  const payload = payloads[0];
  if (bodies.length !== 1 || payloads.length !== 1 || payload === undefined) {
    throw new SoapError('soap.no-single-payload', 'the envelope must have one body with one child', { version });
  }
  return { version, headers: header ? elements(header) : [], payload };
}

/** Roles that an ultimate receiver plays: SOAP 1.1 4.2.2, SOAP 1.2 part 1 2.2. */
const OUR_ROLES: ReadonlySet<string> = new Set([
  '',
  'http://schemas.xmlsoap.org/soap/actor/next',
  `${ENVELOPE_NAMESPACE['1.2']}/role/next`,
  `${ENVELOPE_NAMESPACE['1.2']}/role/ultimateReceiver`,
]);

/**
 * Whether we must understand the header block or refuse the message: `mustUnderstand` is `1` or `true`, in the
 * envelope's own namespace, and the block is meant for us and not for somebody on the way.
 */
export function isMustUnderstand(header: XmlElement, version: SoapVersion): boolean {
  const envelope = ENVELOPE_NAMESPACE[version];
  const value = attribute(header, 'mustUnderstand', envelope)?.trim();
  if (value !== '1' && value !== 'true') return false;
  return OUR_ROLES.has(attribute(header, version === '1.1' ? 'actor' : 'role', envelope) ?? '');
}

/** Writes an answer around payload markup, with header blocks where there are any, and what namespaces those share. */
export function writeEnvelope(
  version: SoapVersion,
  payload: Markup,
  headers?: Markup,
  namespaces?: Attributes,
): string {
  const head = headers === undefined ? '' : element('s:Header', namespaces, headers);
  return (
    XML_DECLARATION +
    openTag('s:Envelope', { 'xmlns:s': ENVELOPE_NAMESPACE[version] }) +
    head +
    openTag('s:Body') +
    payload +
    closeTag('s:Body') +
    closeTag('s:Envelope')
  );
}

/** A fault in protocol-neutral words; `writeFault` says it in either version. */
export interface SoapFault {
  /** SOAP 1.2 words; 1.1 says Client and Server instead. */
  readonly code: 'Sender' | 'Receiver' | 'MustUnderstand' | 'VersionMismatch';
  /** A qualified name whose prefix `attributes` of the fault declare; SOAP 1.2 only. */
  readonly subcode?: string;
  readonly reason: string;
  readonly detail?: Markup;
  /** Namespace declarations for the fault element, as `{'xmlns:e': 'urn:…'}`. */
  readonly namespaces?: Attributes;
}

/** The fault element alone, to be put into an envelope. */
export function writeFault(version: SoapVersion, fault: SoapFault): Markup {
  if (version === '1.2') {
    return element(
      's:Fault',
      fault.namespaces,
      element(
        's:Code',
        undefined,
        textElement('s:Value', `s:${fault.code}`),
        ...(fault.subcode === undefined
          ? []
          : [element('s:Subcode', undefined, textElement('s:Value', fault.subcode))]),
      ),
      element('s:Reason', undefined, textElement('s:Text', fault.reason, { 'xml:lang': 'en' })),
      ...(fault.detail === undefined ? [] : [element('s:Detail', undefined, fault.detail)]),
    );
  }
  const code = fault.code === 'Sender' ? 'Client' : fault.code === 'Receiver' ? 'Server' : fault.code;
  return element(
    's:Fault',
    fault.namespaces,
    textElement('faultcode', `s:${code}`),
    textElement('faultstring', fault.reason),
    ...(fault.detail === undefined ? [] : [element('detail', undefined, fault.detail)]),
  );
}
