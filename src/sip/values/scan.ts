import { malformed } from '../errors.ts';

/** Parameters in the order written; names in lower case, quoted values without their quotes, `''` for a bare name. */
export type Params = ReadonlyMap<string, string>;

export const NO_PARAMS: Params = new Map();

const TOKEN_CHARACTERS = new Uint8Array(128);
for (const each of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~") {
  TOKEN_CHARACTERS[each.charCodeAt(0)] = 1;
}

const TAB = 9;
const SPACE = 32;
const QUOTE = 34;
const BACKSLASH = 92;

export function isTokenCode(code: number): boolean {
  return code < 128 && TOKEN_CHARACTERS[code] === 1;
}

/** RFC 3261 25.1 token. */
export function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (!isTokenCode(text.charCodeAt(at))) return false;
  return text.length > 0;
}

/** The place of the first character from `at` on that is no white space. Folds are gone before values are read. */
export function skipSpace(text: string, at: number): number {
  let place = at;
  for (;;) {
    const code = text.charCodeAt(place);
    if (code !== SPACE && code !== TAB) return place;
    place += 1;
  }
}

export function endOfToken(text: string, at: number): number {
  let place = at;
  while (place < text.length && isTokenCode(text.charCodeAt(place))) place += 1;
  return place;
}

/** `at` is on the opening quote; answers the place after the closing one, or -1 when there is none. */
export function endOfQuoted(text: string, at: number): number {
  for (let place = at + 1; place < text.length; place += 1) {
    const code = text.charCodeAt(place);
    if (code === BACKSLASH) place += 1;
    else if (code === QUOTE) return place + 1;
  }
  return -1;
}

/** What a quoted string (quotes included) says. */
export function unquote(quoted: string): string {
  const inside = quoted.slice(1, -1);
  return inside.includes('\\') ? inside.replace(/\\([\s\S])/g, '$1') : inside;
}

export function quote(text: string): string {
  return `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;
}

function isValueCode(code: number): boolean {
  // gen-value is token / host / quoted-string: brackets and colons of an IPv6 reference come on top of token.
  return isTokenCode(code) || code === 91 || code === 93 || code === 58;
}

/**
 * `*( SEMI name [ EQUAL value ] )` to the end of the text (RFC 3261 25.1 generic-param). A name may stand only once.
 * @throws SipError `sip.malformed` naming `where`
 */
export function parseParams(text: string, start: number, where: string): Params {
  let at = skipSpace(text, start);
  if (at >= text.length) return NO_PARAMS;
  const params = new Map<string, string>();
  while (at < text.length) {
    if (text.charCodeAt(at) !== 59) throw malformed(where, 'something other than a parameter follows');
    at = skipSpace(text, at + 1);
    const nameEnd = endOfToken(text, at);
    if (nameEnd === at) throw malformed(where, 'a parameter has no name');
    const name = text.slice(at, nameEnd).toLowerCase();
    if (params.has(name)) throw malformed(where, 'a parameter stands twice');
    at = skipSpace(text, nameEnd);
    let value = '';
    if (text.charCodeAt(at) === 61) {
      at = skipSpace(text, at + 1);
      const from = at;
      if (text.charCodeAt(at) === QUOTE) {
        at = endOfQuoted(text, at);
        if (at < 0) throw malformed(where, 'a quoted string does not end');
        value = unquote(text.slice(from, at));
      } else {
        while (at < text.length && isValueCode(text.charCodeAt(at))) at += 1;
        if (at === from) throw malformed(where, 'a parameter has an empty value');
        value = text.slice(from, at);
      }
      at = skipSpace(text, at);
    }
    params.set(name, value);
  }
  return params;
}

const VALUE = /^[A-Za-z0-9\-.!%*_+`'~[\]:]+$/;

/** Values that are no token or host are quoted. */
export function writeParams(params: Params): string {
  let written = '';
  for (const [name, value] of params) {
    written += value === '' ? `;${name}` : `;${name}=${VALUE.test(value) ? value : quote(value)}`;
  }
  return written;
}

/**
 * Splits `1#element` at its commas; those inside quotes and angle brackets belong to their element.
 * @throws SipError `sip.malformed` for an empty element or an unended quote
 */
export function splitList(text: string, where: string): readonly string[] {
  if (!text.includes(',')) return [text];
  const found: string[] = [];
  let from = 0;
  let isInAngles = false;
  for (let at = 0; at <= text.length; at += 1) {
    const code = at === text.length ? 44 : text.charCodeAt(at);
    if (code === QUOTE && !isInAngles) {
      at = endOfQuoted(text, at) - 1;
      if (at < 0) throw malformed(where, 'a quoted string does not end');
    } else if (code === 60) isInAngles = true;
    else if (code === 62) isInAngles = false;
    else if (code === 44 && (!isInAngles || at === text.length)) {
      const element = text.slice(from, at).trim();
      if (element === '') throw malformed(where, 'an element of the list is empty');
      found.push(element);
      from = at + 1;
    }
  }
  return found;
}

/** A whole number of at most `max`; leading zeros are allowed. @throws SipError `sip.malformed` */
export function parseInteger(text: string, max: number, where: string): number {
  if (!/^[0-9]+$/.test(text)) throw malformed(where, 'not a whole number');
  const value = Number(text);
  if (value > max) throw malformed(where, 'the number is too large');
  return value;
}
