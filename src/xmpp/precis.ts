import { obeysBidiRule } from './bidi.ts';
import { XmppError } from './errors.ts';
import { belongsTo } from './precis-classes.ts';

// Characters whose only difference is their width; NFKC of one of them is its decomposition.
const WIDE_OR_NARROW = /[\u3000\uff01-\uffef]/g;
const OTHER_SPACES = /[^\P{Zs} ]/gu;
const PLAIN_USERNAME = /^[a-z0-9!#$%()*+,\-.;=?[\\\]^_`{|}~]+$/;
const PLAIN_OPAQUE = /^[ -~]+$/;

/** A preparation may change what an earlier step of it looked at: it is repeated until it is stable (RFC 8264 7). */
function untilStable(text: string, step: (text: string) => string): string {
  let current = text;
  for (let round = 0; round < 4; round += 1) {
    const next = step(current);
    if (next === current) return current;
    current = next;
  }
  throw new XmppError('xmpp.string', 'the text does not settle when it is prepared');
}

/** UsernameCaseMapped (RFC 8265 3.3), enforced. @throws XmppError `xmpp.string` */
export function prepareUsername(text: string): string {
  if (PLAIN_USERNAME.test(text)) return text;
  const prepared = untilStable(text, (each) =>
    each
      .replace(WIDE_OR_NARROW, (character) => character.normalize('NFKC'))
      .toLowerCase()
      .normalize('NFC'),
  );
  if (prepared === '' || !belongsTo('identifier', prepared) || !obeysBidiRule(prepared)) {
    throw new XmppError('xmpp.string', 'the user name is empty or holds a character that it may not hold');
  }
  return prepared;
}

/** OpaqueString (RFC 8265 4.2), enforced: case and width stay. @throws XmppError `xmpp.string` */
export function prepareOpaqueString(text: string): string {
  if (PLAIN_OPAQUE.test(text)) return text;
  const prepared = untilStable(text, (each) => each.replace(OTHER_SPACES, ' ').normalize('NFC'));
  if (prepared === '' || !belongsTo('freeform', prepared)) {
    throw new XmppError('xmpp.string', 'the text is empty or holds a character that it may not hold');
  }
  return prepared;
}
