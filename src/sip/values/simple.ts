import { malformed } from '../errors.ts';
import {
  endOfQuoted,
  endOfToken,
  isToken,
  type Params,
  parseInteger,
  parseParams,
  skipSpace,
  unquote,
  writeParams,
} from './scan.ts';

export interface CSeq {
  readonly number: number;
  readonly method: string;
}

const CSEQ = /^([0-9]+)[ \t]+([^ \t]+)$/;

/** RFC 3261 8.1.1.5: below 2^31. */
export function parseCSeq(text: string, where: string): CSeq {
  const match = CSEQ.exec(text);
  if (!match) throw malformed(where, 'no number and method');
  const method = match[2] as string;
  if (!isToken(method)) throw malformed(where, 'no method');
  return { number: parseInteger(match[1] as string, 0x7fff_ffff, where), method };
}

/** A token with parameters: Event, Subscription-State, Accept, Content-Disposition. */
export interface Parameterised {
  readonly value: string;
  readonly params: Params;
}

/** Token, or `type/subtype`; read in lower case. */
export function parseParameterised(text: string, where: string): Parameterised {
  const semicolon = text.indexOf(';');
  const value = (semicolon < 0 ? text : text.slice(0, semicolon)).trim().replace(/[ \t]*\/[ \t]*/, '/');
  const slash = value.indexOf('/');
  const isGood = slash < 0 ? isToken(value) : isToken(value.slice(0, slash)) && isToken(value.slice(slash + 1));
  if (!isGood) throw malformed(where, 'no valid value');
  return { value: value.toLowerCase(), params: parseParams(text, semicolon < 0 ? text.length : semicolon, where) };
}

export function writeParameterised(it: Parameterised): string {
  return it.value + writeParams(it.params);
}

/** Names of extensions, methods, event packages: case as it came. */
export function parseTokenValue(text: string, where: string): string {
  if (!isToken(text)) throw malformed(where, 'no token');
  return text;
}

/** RFC 3261 25.1 callid: words around an optional @. */
const CALL_ID = /^[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+(?:@[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+)?$/;

export function parseCallId(text: string, where: string): string {
  if (!CALL_ID.test(text)) throw malformed(where, 'a character that no Call-ID has');
  return text;
}

export const MAX_SECONDS = 0xffff_ffff;

/** RFC 3261 20.19: seconds, below 2^32. */
export function parseSeconds(text: string, where: string): number {
  return parseInteger(text, MAX_SECONDS, where);
}

export function parseMaxForwards(text: string, where: string): number {
  return parseInteger(text, 255, where);
}

/** `120 (busy);duration=60` (RFC 3261 20.33): the seconds. */
export function parseRetryAfter(text: string, where: string): number {
  const match = /^([0-9]+)[ \t]*(?:$|[(;])/.exec(text);
  if (!match) throw malformed(where, 'no seconds');
  return parseSeconds(match[1] as string, where);
}

const DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/;

/** Milliseconds since the epoch; GMT is the only zone (RFC 3261 20.17). */
export function parseDate(text: string, where: string): number {
  const at = DATE.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) throw malformed(where, 'no date in GMT');
  return at;
}

/** Credentials or a challenge: a scheme and its parameters, names in lower case. */
export interface AuthValue {
  /** Lower case. */
  readonly scheme: string;
  readonly params: ReadonlyMap<string, string>;
}

/** `Digest a=b, c="d"` (RFC 3261 25.1). Of a foreign scheme only parameters of this form are read. */
export function parseAuth(text: string, where: string): AuthValue {
  const schemeEnd = endOfToken(text, 0);
  const scheme = text.slice(0, schemeEnd).toLowerCase();
  if (scheme === '' || !/^[ \t]/.test(text.slice(schemeEnd))) throw malformed(where, 'no scheme and parameters');
  const params = new Map<string, string>();
  let at = schemeEnd;
  for (;;) {
    at = skipSpace(text, at);
    while (text.charCodeAt(at) === 44) at = skipSpace(text, at + 1);
    if (at >= text.length) return { scheme, params };
    const nameEnd = endOfToken(text, at);
    const name = text.slice(at, nameEnd).toLowerCase();
    const equals = skipSpace(text, nameEnd);
    if (name === '' || text.charCodeAt(equals) !== 61) throw malformed(where, 'a parameter has no name or value');
    if (params.has(name)) throw malformed(where, 'a parameter stands twice');
    at = skipSpace(text, equals + 1);
    const isQuoted = text.charCodeAt(at) === 34;
    const end = isQuoted ? endOfQuoted(text, at) : endOfToken(text, at);
    if (end <= at) throw malformed(where, 'a parameter has no value');
    params.set(name, isQuoted ? unquote(text.slice(at, end)) : text.slice(at, end));
    at = end;
  }
}
