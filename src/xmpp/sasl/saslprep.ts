import { XmppError } from '../errors.ts';

/** RFC 3454 C.1.2: spaces that become a space; B.1: what becomes nothing. */
const SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
const NOTHING = /\u034f|\u200d|[\u180b-\u180d\ufe00-\ufe0f]|[\u00ad\u1806\u200c\u2060\ufeff]/gu;
/** RFC 4013 2.3: the tables C.1.2 to C.9 of RFC 3454; U+0340 and U+0341 are gone after NFKC. */
const PROHIBITED =
  /[\p{Zs}\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u200c-\u200f\u2028-\u202e\u2060-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufeff\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
const LEFT_TO_RIGHT = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}]/u;
const PLAIN = /^[ -~]*$/;

/**
 * SASLprep (RFC 4013), as SCRAM asks of a password before it is hashed. Characters that Unicode 3.2 did not know are
 * allowed, as for a query.
 * @throws XmppError `xmpp.string`
 */
export function saslprep(text: string): string {
  if (PLAIN.test(text)) return text;
  const prepared = text.replace(SPACES, ' ').replace(NOTHING, '').normalize('NFKC');
  if (PROHIBITED.test(prepared.replaceAll(' ', '')) || !isOneDirection(prepared)) {
    throw new XmppError('xmpp.string', 'the text holds a character that it may not hold');
  }
  return prepared;
}

/** RFC 3454 section 6. */
function isOneDirection(text: string): boolean {
  if (!RIGHT_TO_LEFT.test(text)) return true;
  const all = [...text];
  return RIGHT_TO_LEFT.test(all[0] ?? '') && RIGHT_TO_LEFT.test(all.at(-1) ?? '') && !LEFT_TO_RIGHT.test(text);
}
