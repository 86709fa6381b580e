import { attribute, elements, type XmlElement } from '../../../xml/element.ts';
import { PwsFault } from '../errors.ts';
import { MAX_CONTACTS } from '../names.ts';

export interface Contact {
  /** As the client wrote it; answers repeat it. */
  readonly uri: string;
  /** The bare address in lower case. */
  readonly address: string;
}

// user@domain: no white space, control characters, colon or slash; the domain by RFC 1123.
const CONTACT =
  /^[^\s\p{Cc}@:/<>"]{1,255}@(?=.{1,255}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/iu;

/** @throws PwsFault 143 empty, 124 malformed */
export function toContact(uri: string): Contact {
  const trimmed = uri.trim();
  if (trimmed === '') throw new PwsFault('emptyContact');
  if (!CONTACT.test(trimmed)) throw new PwsFault('badContact');
  return { uri: trimmed, address: trimmed.toLowerCase() };
}

/** The contacts of a `contactsList` element, each once. @throws PwsFault 135, 143, 124, 147, 148 */
export function readContacts(list: XmlElement): readonly Contact[] {
  const children = elements(list);
  if (children.length === 0 || children.length > MAX_CONTACTS) throw new PwsFault('badContactCount');
  for (const child of children) {
    if (child.local !== 'contact') throw new PwsFault('foreignElement');
    // Attributes of other namespaces are type hints of the client's tools.
    if (child.attributes.some(({ uri, local }) => uri === '' && local !== 'contactURI')) {
      throw new PwsFault('foreignAttribute');
    }
  }
  return unique(children.map((child) => toContact(attribute(child, 'contactURI') ?? '')));
}

/** @throws PwsFault 135, 143, 124 */
export function contactsOf(uris: readonly string[]): readonly Contact[] {
  if (uris.length === 0 || uris.length > MAX_CONTACTS) throw new PwsFault('badContactCount');
  return unique(uris.map(toContact));
}

function unique(contacts: readonly Contact[]): readonly Contact[] {
  const known = new Map<string, Contact>();
  for (const contact of contacts) if (!known.has(contact.address)) known.set(contact.address, contact);
  return [...known.values()];
}
