import { attribute, elements, type XmlElement } from '../xml/element.ts';
import { el, langOf, withAttributes } from './elements.ts';
import { type Jid, parseJid } from './jid.ts';
import { NS } from './namespaces.ts';
import { StanzaError } from './stanza-error.ts';

export type MessageType = 'chat' | 'error' | 'groupchat' | 'headline' | 'normal';
export type PresenceType =
  | 'available' // no type on the wire
  | 'error'
  | 'probe'
  | 'subscribe'
  | 'subscribed'
  | 'unavailable'
  | 'unsubscribe'
  | 'unsubscribed';
export type IqType = 'get' | 'set' | 'result' | 'error';

interface Addressed {
  readonly id: string | null;
  readonly from: Jid | null;
  readonly to: Jid | null;
  readonly lang: string | null;
  /** The stanza as it came, in `jabber:client` whatever the stream's own namespace was. */
  readonly element: XmlElement;
}
export interface Message extends Addressed {
  readonly kind: 'message';
  readonly type: MessageType;
}
export interface Presence extends Addressed {
  readonly kind: 'presence';
  readonly type: PresenceType;
}
export interface Iq extends Addressed {
  readonly kind: 'iq';
  readonly type: IqType;
  readonly id: string;
  /** The one child of a request; what a result holds, or null. */
  readonly payload: XmlElement | null;
}
export type Stanza = Message | Presence | Iq;
export type StanzaKind = Stanza['kind'];

const MESSAGE_TYPES: ReadonlySet<string> = new Set(['chat', 'error', 'groupchat', 'headline', 'normal']);
const PRESENCE_TYPES: ReadonlySet<string> = new Set([
  'error',
  'probe',
  'subscribe',
  'subscribed',
  'unavailable',
  'unsubscribe',
  'unsubscribed',
]);
const IQ_TYPES: ReadonlySet<string> = new Set(['get', 'set', 'result', 'error']);

/** Which stanza the element is; undefined when it is none. */
export function stanzaKindOf(element: XmlElement): StanzaKind | undefined {
  if (element.uri !== NS.client) return undefined;
  const { local } = element;
  return local === 'message' || local === 'presence' || local === 'iq' ? local : undefined;
}

/**
 * Reads a stanza: the one place where its attributes are judged.
 * @throws StanzaError `jid-malformed`, `bad-request`; `errorReply` turns it into the answer, where one is allowed.
 */
export function readStanza(element: XmlElement): Stanza {
  const kind = stanzaKindOf(element);
  const type = attribute(element, 'type');
  const common: Addressed = {
    id: attribute(element, 'id') ?? null,
    from: address(element, 'from'),
    to: address(element, 'to'),
    lang: langOf(element) ?? null,
    element,
  };
  if (kind === 'message') {
    // RFC 6121 5.2.2: a type that is not known means normal.
    const known = type !== undefined && MESSAGE_TYPES.has(type) ? (type as MessageType) : 'normal';
    return { ...common, kind, type: known };
  }
  if (kind === 'presence') {
    if (type !== undefined && !PRESENCE_TYPES.has(type)) throw new StanzaError('bad-request', 'unknown presence type');
    return { ...common, kind, type: (type as PresenceType | undefined) ?? 'available' };
  }
  if (kind === 'iq') return readIq(common, type);
  throw new StanzaError('bad-request', 'the element is not a stanza');
}

function readIq(common: Addressed, type: string | undefined): Iq {
  const { id, element } = common;
  if (id === null || type === undefined || !IQ_TYPES.has(type)) {
    throw new StanzaError('bad-request', 'an iq has an id and a type of get, set, result or error');
  }
  const children = elements(element);
  // RFC 6120 8.2.3: a request has one child; a result one or none.
  if ((type === 'get' || type === 'set') && children.length !== 1) {
    throw new StanzaError('bad-request', 'an iq of type get or set has exactly one child');
  }
  if (type === 'result' && children.length > 1) {
    throw new StanzaError('bad-request', 'an iq of type result has at most one child');
  }
  return { ...common, kind: 'iq', type: type as IqType, id, payload: children[0] ?? null };
}

function address(element: XmlElement, name: 'from' | 'to'): Jid | null {
  const text = attribute(element, name);
  return text === undefined ? null : parseJid(text);
}

/** The same stanza with other addresses; what is not named stays, null takes it away. */
export function addressed(
  element: XmlElement,
  addresses: { readonly from?: Jid | null; readonly to?: Jid | null },
): XmlElement {
  return withAttributes(element, {
    ...(addresses.from === undefined ? {} : { from: addresses.from?.full ?? null }),
    ...(addresses.to === undefined ? {} : { to: addresses.to?.full ?? null }),
  });
}

export interface StanzaAttributes {
  readonly to?: Jid | null;
  readonly from?: Jid | null;
  readonly id?: string | null;
  readonly lang?: string | null;
}

function common(attributes: StanzaAttributes): Record<string, string | null | undefined> {
  const { to, from, id, lang } = attributes;
  return { from: from?.full, to: to?.full, id, 'xml:lang': lang };
}

/** A message; `normal` is left unsaid, as everybody does. */
export function message(
  attributes: StanzaAttributes & { readonly type?: MessageType },
  ...children: readonly XmlElement[]
): XmlElement {
  const { type } = attributes;
  return el(NS.client, 'message', { ...common(attributes), type: type === 'normal' ? null : type }, ...children);
}

export function body(text: string): XmlElement {
  return el(NS.client, 'body', {}, text);
}

export function presence(
  attributes: StanzaAttributes & { readonly type?: PresenceType },
  ...children: readonly XmlElement[]
): XmlElement {
  const { type } = attributes;
  return el(NS.client, 'presence', { ...common(attributes), type: type === 'available' ? null : type }, ...children);
}

export function iq(
  attributes: StanzaAttributes & { readonly type: IqType; readonly id: string },
  ...children: readonly XmlElement[]
): XmlElement {
  return el(NS.client, 'iq', { ...common(attributes), type: attributes.type }, ...children);
}

/** The result that answers a request, addresses turned. */
export function iqResult(request: Iq, ...children: readonly XmlElement[]): XmlElement {
  return iq({ type: 'result', id: request.id, from: request.to, to: request.from }, ...children);
}
