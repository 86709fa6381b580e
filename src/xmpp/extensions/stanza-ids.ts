import { attribute, element, elements, type XmlElement } from '../../xml/element.ts';
import { el, withChildren } from '../elements.ts';
import type { Jid } from '../jid.ts';
import { tryParseJid } from '../jid.ts';
import { NS } from '../namespaces.ts';

/** XEP-0359: gives the stanza our id for it, in place of any that claims to be ours already. */
export function withStanzaId(stanza: XmlElement, id: string, by: Jid): XmlElement {
  const clean = withoutStanzaIds(stanza, by);
  return withChildren(clean, [...clean.children, el(NS.stanzaIds, 'stanza-id', { id, by: by.full })]);
}

/** Takes away what somebody else wrote in our name (XEP-0359 3.1 rule 7). */
export function withoutStanzaIds(stanza: XmlElement, by: Jid): XmlElement {
  const isClaimed = (child: XmlElement | string): boolean =>
    typeof child !== 'string' &&
    child.uri === NS.stanzaIds &&
    child.local === 'stanza-id' &&
    tryParseJid(attribute(child, 'by') ?? '')?.full === by.full;
  return stanza.children.some(isClaimed)
    ? withChildren(
        stanza,
        stanza.children.filter((each) => !isClaimed(each)),
      )
    : stanza;
}

/** The id that `by` gave; trust it only when `by` announces the feature and removes those of others. */
export function stanzaIdBy(stanza: XmlElement, by: Jid): string | undefined {
  const found = elements(stanza, 'stanza-id', NS.stanzaIds).find((each) => attribute(each, 'by') === by.full);
  return found === undefined ? undefined : attribute(found, 'id');
}

/** The sender's own id, which stays when others change the stanza's. */
export function originId(stanza: XmlElement): string | undefined {
  const found = element(stanza, 'origin-id', NS.stanzaIds);
  return found === undefined ? undefined : attribute(found, 'id');
}
