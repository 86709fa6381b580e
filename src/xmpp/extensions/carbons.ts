import { element, type XmlElement } from '../../xml/element.ts';
import { el } from '../elements.ts';
import type { Jid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { addressed, message } from '../stanza.ts';

/** What marks a message without body as part of a conversation (XEP-0280 6.1, with the usual payloads named). */
const CONVERSATION: ReadonlySet<string> = new Set([NS.receipts, NS.chatMarkers, NS.chatStates, NS.correction]);

/** Whether the user's other resources get a copy (XEP-0280 6.1). */
export function isCarbonEligible(stanza: XmlElement, type: string): boolean {
  if (element(stanza, 'private', NS.carbons) !== undefined || element(stanza, 'no-copy', NS.hints) !== undefined) {
    return false;
  }
  if (element(stanza, 'sent', NS.carbons) !== undefined || element(stanza, 'received', NS.carbons) !== undefined) {
    return false;
  }
  if (type === 'chat') return true;
  if (type !== 'normal' && type !== 'error') return false;
  return stanza.children.some(
    (child) =>
      typeof child !== 'string' && ((child.uri === NS.client && child.local === 'body') || CONVERSATION.has(child.uri)),
  );
}

/** Wraps a message (XEP-0297) as it is stored or copied; it keeps its own namespace. */
export function forwarded(stanza: XmlElement, delayed?: XmlElement): XmlElement {
  return el(NS.forward, 'forwarded', {}, ...(delayed === undefined ? [] : [delayed]), stanza);
}

/** The copy for one resource (XEP-0280 7, 8): from the account itself, of the same type. */
export function carbonCopy(way: 'sent' | 'received', stanza: XmlElement, to: Jid, account: Jid): XmlElement {
  const type = stanza.attributes.find((each) => each.local === 'type')?.value;
  const copy = message({}, el(NS.carbons, way, {}, forwarded(stanza)));
  return addressed(type === undefined ? copy : { ...copy, attributes: [{ uri: '', local: 'type', value: type }] }, {
    from: account,
    to,
  });
}

/** The message without the mark that it is private: who receives it need not see it (XEP-0280 9). */
export function withoutPrivateMark(stanza: XmlElement): XmlElement {
  return {
    ...stanza,
    children: stanza.children.filter(
      (child) => typeof child === 'string' || child.uri !== NS.carbons || child.local !== 'private',
    ),
  };
}
