import { refusal, SipError } from '../../../sip/errors.ts';
import type { SipRequest } from '../../../sip/message/message.ts';
import { parseUri } from '../../../sip/values/uri.ts';
import { attribute, element, elements, textOf, type XmlElement } from '../../../xml/element.ts';
import { XmlError } from '../../../xml/errors.ts';
import { parseXml } from '../../../xml/parse.ts';
import { MEDIA } from '../names.ts';
import type { Resource } from '../watching/subscription.ts';
import { addressOfUri } from './addresses.ts';

/**
 * The users in the body of a SUBSCRIBE (RFC 5367, RFC 4826), by address; lists inside lists count as one.
 * @throws SipError 400, 413, 415
 */
export function readResourceLists(request: SipRequest, most: number): ReadonlyMap<string, Resource> {
  if (request.headers.get('content-type')?.value !== MEDIA.resourceLists) {
    throw refusal(415, 'Unsupported Media Type', { Accept: MEDIA.resourceLists });
  }
  let root: XmlElement;
  try {
    root = parseXml(new TextDecoder('utf-8', { fatal: true }).decode(request.body));
  } catch (error) {
    if (!(error instanceof XmlError || error instanceof TypeError)) throw error;
    throw refusal(400, 'Bad Resource List', undefined, error);
  }
  if (root.local !== 'resource-lists') throw refusal(400, 'Bad Resource List');
  const found = new Map<string, Resource>();
  collect(root, found, most);
  if (found.size === 0) throw refusal(400, 'Empty Resource List');
  return found;
}

function collect(parent: XmlElement, found: Map<string, Resource>, most: number): void {
  for (const child of elements(parent)) {
    if (child.local === 'list') collect(child, found, most);
    if (child.local !== 'entry') continue;
    const uri = attribute(child, 'uri')?.trim() ?? '';
    const address = addressIn(uri);
    const name = element(child, 'display-name');
    if (!found.has(address)) found.set(address, { uri, name: name === undefined ? '' : textOf(name).trim() });
    if (found.size > most) throw refusal(413, 'Too Many Resources');
  }
}

function addressIn(uri: string): string {
  try {
    const address = addressOfUri(parseUri(uri));
    if (address !== undefined) return address;
  } catch (error) {
    if (!(error instanceof SipError)) throw error;
  }
  throw refusal(400, 'Bad Resource List');
}
