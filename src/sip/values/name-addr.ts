import { malformed } from '../errors.ts';
import {
  endOfQuoted,
  endOfToken,
  NO_PARAMS,
  type Params,
  parseParams,
  quote,
  skipSpace,
  unquote,
  writeParams,
} from './scan.ts';
import { parseUri, type Uri } from './uri.ts';

/** `"Alice" <sip:alice@acme.example>;tag=x`: From, To, Contact, Route and their like. */
export class NameAddr {
  readonly displayName: string;
  /** As it came, without angle brackets. */
  readonly uriText: string;
  readonly params: Params;
  #uri: Uri | undefined;

  constructor(uriText: string, params: Params = NO_PARAMS, displayName = '') {
    this.uriText = uriText;
    this.params = params;
    this.displayName = displayName;
  }

  /** Read when first asked for. @throws SipError `sip.malformed` */
  get uri(): Uri {
    this.#uri ??= parseUri(this.uriText);
    return this.#uri;
  }

  get tag(): string | undefined {
    return this.params.get('tag');
  }

  withParam(name: string, value: string): NameAddr {
    return new NameAddr(this.uriText, new Map(this.params).set(name, value), this.displayName);
  }

  toString(): string {
    const name = this.displayName === '' ? '' : `${quote(this.displayName)} `;
    return `${name}<${this.uriText}>${writeParams(this.params)}`;
  }
}

/** A URI ends at white space or a bracket; inside brackets nothing else may stand (RFC 4475 3.1.2.14). */
const URI_TEXT = /^[A-Za-z][!-;=?-~]*$/;

/** @throws SipError `sip.malformed` naming `where` */
export function parseNameAddr(text: string, where: string): NameAddr {
  let open: number;
  let displayName = '';
  if (text.charCodeAt(0) === 34) {
    const end = endOfQuoted(text, 0);
    if (end < 0) throw malformed(where, 'a quoted string does not end');
    displayName = unquote(text.slice(0, end));
    open = skipSpace(text, end);
    if (text.charCodeAt(open) !== 60) throw malformed(where, 'no address follows the display name');
  } else {
    open = text.indexOf('<');
    if (open < 0) return parseAddrSpec(text, where);
    displayName = text.slice(0, open).trimEnd();
    if (displayName !== '') checkTokens(displayName, where);
  }
  const close = text.indexOf('>', open);
  if (close < 0) throw malformed(where, 'an angle bracket does not close');
  const uriText = text.slice(open + 1, close);
  if (!URI_TEXT.test(uriText)) throw malformed(where, 'no URI in angle brackets');
  return new NameAddr(uriText, parseParams(text, close + 1, where), displayName);
}

/** Without angle brackets, what follows the first `;` belongs to the field, and `?` and `,` are not allowed (RFC 3261 20). */
function parseAddrSpec(text: string, where: string): NameAddr {
  const semicolon = text.indexOf(';');
  const uriText = (semicolon < 0 ? text : text.slice(0, semicolon)).trimEnd();
  if (!URI_TEXT.test(uriText)) throw malformed(where, 'no URI');
  if (/[?,]/.test(uriText)) throw malformed(where, 'the URI needs angle brackets');
  return new NameAddr(uriText, semicolon < 0 ? NO_PARAMS : parseParams(text, semicolon, where));
}

function checkTokens(text: string, where: string): void {
  let at = 0;
  while (at < text.length) {
    const end = endOfToken(text, at);
    if (end === at) throw malformed(where, 'the display name needs quotes');
    at = skipSpace(text, end);
  }
}

/** `Contact: *`, or addresses. */
export type Contact = NameAddr | '*';

export function parseContact(text: string, where: string): Contact {
  return text === '*' ? '*' : parseNameAddr(text, where);
}
