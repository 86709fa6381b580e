import { element, elements, textOf, type XmlElement } from '../../xml/element.ts';
import { XmlError } from '../../xml/errors.ts';
import { DEFAULT_XML_LIMITS, type XmlLimits } from '../../xml/limits.ts';
import { parseXml } from '../../xml/parse.ts';
import { type Contact, readContacts } from './actions/contacts.ts';
import { type FaultName, PwsFault } from './errors.ts';
import { MAX_CONTACTS, MAX_PIDF_CHARACTERS, PRESENCE_TYPES, type PresenceType } from './names.ts';

/*
 * Readers of the parts that both faces take. Elements are found by local name: bodies of the REST face have no
 * namespace, and SOAP clients forget it on children.
 */

/** The usual limits, with room for the most contacts that may be sent and a few more, to be told that they are too many. */
export const PWS_XML_LIMITS: XmlLimits = {
  ...DEFAULT_XML_LIMITS,
  elements: Math.max(DEFAULT_XML_LIMITS.elements, 2 * MAX_CONTACTS + 100),
};

/** What is said of XML that cannot be taken: the code's own words, as the parser's may quote the request. */
const XML_REASONS: Readonly<Record<XmlError['code'], string>> = {
  'xml.malformed': 'not well-formed XML',
  'xml.dtd': 'a document type declaration is not allowed',
  'xml.processing-instruction': 'a processing instruction is not allowed',
  'xml.comment': 'a comment is not allowed',
  'xml.too-deep': 'elements nest too deep',
  'xml.too-many-elements': 'too many elements',
  'xml.too-many-attributes': 'too many attributes on an element',
  'xml.forbidden-character': 'a character that XML does not allow',
};

export function xmlFault(error: XmlError): PwsFault {
  return new PwsFault('notXml', XML_REASONS[error.code], { cause: error });
}

/** @throws PwsFault 102 */
export function parseBody(body: string): XmlElement {
  try {
    return parseXml(body.trimStart(), PWS_XML_LIMITS);
  } catch (error) {
    if (error instanceof XmlError) throw xmlFault(error);
    throw error;
  }
}

/** Text of a child element; undefined when there is none. */
export function childText(parent: XmlElement, name: string): string | undefined {
  const found = element(parent, name);
  return found && textOf(found);
}

/** A child's number; undefined when there is none or it is empty, NaN when it is no whole number. */
export function childNumber(parent: XmlElement, name: string): number | undefined {
  return toNumber(childText(parent, name));
}

export function toNumber(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '') return undefined;
  return /^[+-]?\d{1,10}$/.test(trimmed) ? Number(trimmed) : Number.NaN;
}

/** An id in a child element: 0 when there is none. @throws PwsFault when it is no number, in the words of `fault` */
export function childId(parent: XmlElement, name: string, fault: FaultName): number {
  return toId(childText(parent, name), fault);
}

export function toId(text: string | undefined, fault: FaultName): number {
  const id = toNumber(text) ?? 0;
  if (Number.isNaN(id)) throw new PwsFault(fault);
  return id;
}

/** The contacts of the child `contactsList`; null when there is none. */
export function childContacts(parent: XmlElement): readonly Contact[] | null {
  const list = element(parent, 'contactsList');
  return list ? readContacts(list) : null;
}

/** @throws PwsFault 110 */
export function toPresenceType(text: string | undefined): PresenceType {
  const found = PRESENCE_TYPES.find((type) => type === text?.trim());
  if (!found) throw new PwsFault('badPresenceType');
  return found;
}

/** `true` or `false`, exactly. @throws PwsFault 125 */
export function toOverride(text: string | undefined): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw new PwsFault('badOverride');
}

/**
 * The `presence` element inside another one: as its child, or as a document in its text, which is what a client
 * sends that takes it for a string.
 * @throws PwsFault 102, 103, 150
 */
export function presenceInside(parent: XmlElement): XmlElement {
  const [child] = elements(parent);
  if (child) return child;
  const text = textOf(parent).trim();
  if (text === '') throw new PwsFault('wrongRoot', 'rich presence is missing');
  checkPidfSize(text);
  return parseBody(text);
}

/** @throws PwsFault 150 with status 413 */
export function checkPidfSize(text: string): void {
  if (text.length > MAX_PIDF_CHARACTERS) {
    throw new PwsFault('unreadableBody', 'the presence document is too large', { status: 413 });
  }
}
