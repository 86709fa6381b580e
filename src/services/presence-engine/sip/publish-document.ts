import { createHash } from 'node:crypto';
import { PidfError } from '../../../pidf/errors.ts';
import { NOBODY, type Pidf } from '../../../pidf/pidf.ts';
import { isOffHook } from '../../../pidf/read-dialog-info.ts';
import { readPidf } from '../../../pidf/read-pidf.ts';
import { refusal } from '../../../sip/errors.ts';
import type { SipRequest } from '../../../sip/message/message.ts';
import { parseUri } from '../../../sip/values/uri.ts';
import type { XmlElement } from '../../../xml/element.ts';
import { XmlError } from '../../../xml/errors.ts';
import { parseXml } from '../../../xml/parse.ts';
import { MEDIA } from '../names.ts';
import { addressOfUri } from './addresses.ts';

/** Bounds of a document in characters; what a datagram or a message carries is bounded before. */
const MAX_CHARACTERS = 64 * 1024;

/** What a user publishes. @throws SipError 400, 413, 415 */
export function documentOf(request: SipRequest, presentity: string): Pidf {
  requireType(request, [MEDIA.pidf]);
  const document = read(request.body, readPidf);
  if (document.entity !== '' && entityOf(document.entity) !== presentity) {
    throw refusal(400, 'Entity of Another User');
  }
  return document;
}

/**
 * What CUCM publishes for a phone: of a presence document the activities, of the state of its dialogs (RFC 4235) whether
 * it is off hook. Names of phones hold hardware addresses, which are nobody's business.
 * @throws SipError 400, 413, 415
 */
export function phoneDocumentOf(request: SipRequest): Omit<Pidf, 'entity'> {
  const type = requireType(request, [MEDIA.pidf, MEDIA.dialogInfo]);
  if (type === MEDIA.dialogInfo) {
    const activities = read(request.body, isOffHook) ? ['busy', 'on-the-phone'] : [];
    return { person: { ...NOBODY, activities }, tuples: [] };
  }
  const { person, tuples } = read(request.body, readPidf);
  return {
    person: { ...NOBODY, activities: person?.activities ?? [] },
    tuples: tuples.map((tuple) => ({
      ...tuple,
      id: `phone-${createHash('sha256').update(tuple.id).digest('hex').slice(0, 8)}`,
      contact: null,
      source: '',
      note: '',
    })),
  };
}

function requireType(request: SipRequest, accepted: readonly string[]): string {
  const type = request.headers.get('content-type')?.value ?? '';
  if (request.headers.has('content-encoding')) {
    throw refusal(415, 'Unsupported Media Type', { 'Accept-Encoding': 'identity' });
  }
  if (!accepted.includes(type)) throw refusal(415, 'Unsupported Media Type', { Accept: accepted.join(', ') });
  return type;
}

function read<T>(body: Buffer, parse: (root: XmlElement) => T): T {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    if (text.length > MAX_CHARACTERS) throw refusal(413, 'Request Entity Too Large');
    return parse(parseXml(text));
  } catch (error) {
    if (error instanceof PidfError || error instanceof XmlError || error instanceof TypeError) {
      throw refusal(400, 'Bad Presence Document', undefined, error);
    }
    throw error;
  }
}

/** COMPAT: clients write the entity without a scheme. */
function entityOf(entity: string): string | undefined {
  return addressOfUri(parseUri(/^[a-z]+:/i.test(entity) ? entity : `sip:${entity}`));
}
