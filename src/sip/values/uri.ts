import { isIPv6 } from 'node:net';
import { malformed } from '../errors.ts';
import type { Params } from './scan.ts';

/** A `sip:` or `sips:` URI (RFC 3261 19.1). Escapes stay as they came; `decodeEscapes` reads them. */
export interface SipUri {
  readonly kind: 'sip';
  readonly scheme: 'sip' | 'sips';
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Lower case; an IPv6 address in its brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Names in lower case and with escapes read, values as they came. */
  readonly params: Params;
  /** What stands after `?`, or ''. */
  readonly headers: string;
}

/** `tel:`, `im:`, `pres:` and whatever else: scheme in lower case, and the rest unread. */
export interface OtherUri {
  readonly kind: 'other';
  readonly scheme: string;
  readonly opaque: string;
}

export type Uri = SipUri | OtherUri;

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;
const USER = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})+$/;
const PASSWORD = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,]|%[0-9A-Fa-f]{2})*$/;
const HOST = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$/;
const PARAM = /^(?:[A-Za-z0-9\-_.!~*'()[\]/:&+$]|%[0-9A-Fa-f]{2})+$/;
const URI_HEADERS = /^(?:[A-Za-z0-9\-_.!~*'()[\]/?:+$=&]|%[0-9A-Fa-f]{2})+$/;
const OPAQUE = /^[!-;=?-~]+$/;
const WHERE = 'URI';
const NONE: Params = new Map();

/** Whether the text is a host of RFC 3261: a name, an IPv4 address, or an IPv6 address in brackets. */
export function isHost(text: string): boolean {
  if (text.charCodeAt(0) === 91) return text.endsWith(']') && isIPv6(text.slice(1, -1));
  return HOST.test(text);
}

/** `host[:port]`, spaces around the colon allowed (as in Via). @throws SipError `sip.malformed` naming `where` */
export function parseHostPort(text: string, where: string): { host: string; port: number | undefined } {
  const colon = text.indexOf(':', text.charCodeAt(0) === 91 ? text.indexOf(']') : 0);
  const host = (colon < 0 ? text : text.slice(0, colon)).trimEnd();
  if (!isHost(host)) throw malformed(where, 'no valid host');
  if (colon < 0) return { host: host.toLowerCase(), port: undefined };
  const digits = text.slice(colon + 1).trim();
  if (!/^[0-9]{1,5}$/.test(digits) || Number(digits) > 65_535) throw malformed(where, 'no valid port');
  return { host: host.toLowerCase(), port: Number(digits) };
}

/** @throws SipError `sip.malformed` */
export function parseUri(text: string): Uri {
  const colon = text.indexOf(':');
  const scheme = text.slice(0, Math.max(colon, 0));
  if (!SCHEME.test(scheme)) throw malformed(WHERE, 'it has no scheme');
  const lower = scheme.toLowerCase();
  if (lower !== 'sip' && lower !== 'sips') {
    const opaque = text.slice(colon + 1);
    if (!OPAQUE.test(opaque)) throw malformed(WHERE, 'a character that no URI has');
    return { kind: 'other', scheme: lower, opaque };
  }
  // The user part may hold ; and ?, so the @ is looked for first; it cannot stand unescaped anywhere else.
  const at = text.indexOf('@', colon);
  let user: string | undefined;
  let password: string | undefined;
  if (at >= 0) {
    const split = text.indexOf(':', colon + 1);
    user = text.slice(colon + 1, split > 0 && split < at ? split : at);
    if (!USER.test(user)) throw malformed(WHERE, 'no valid user');
    if (split > 0 && split < at) {
      password = text.slice(split + 1, at);
      if (!PASSWORD.test(password)) throw malformed(WHERE, 'no valid password');
    }
  }
  const start = at < 0 ? colon + 1 : at + 1;
  const question = text.indexOf('?', start);
  const end = question < 0 ? text.length : question;
  const headers = question < 0 ? '' : text.slice(question + 1);
  if (question >= 0 && !URI_HEADERS.test(headers)) throw malformed(WHERE, 'no valid headers');
  const semicolon = text.indexOf(';', start);
  const hostEnd = semicolon < 0 || semicolon > end ? end : semicolon;
  const { host, port } = parseHostPort(text.slice(start, hostEnd), WHERE);
  const params = hostEnd === end ? NONE : parseUriParams(text.slice(hostEnd + 1, end));
  return { kind: 'sip', scheme: lower, user, password, host, port, params, headers };
}

function parseUriParams(text: string): Params {
  const params = new Map<string, string>();
  for (const each of text.split(';')) {
    const equals = each.indexOf('=');
    const name = equals < 0 ? each : each.slice(0, equals);
    const value = equals < 0 ? '' : each.slice(equals + 1);
    if (!PARAM.test(name) || (equals >= 0 && !PARAM.test(value))) throw malformed(WHERE, 'no valid parameter');
    const key = decodeEscapes(name).toLowerCase();
    if (params.has(key)) throw malformed(WHERE, 'a parameter stands twice');
    params.set(key, value);
  }
  return params;
}

/** `%HH` read once, as UTF-8; never again what comes out of it (RFC 4475 3.1.1.3). */
export function decodeEscapes(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
}

/** Escapes what a user part cannot carry as it is. */
export function encodeUser(text: string): string {
  return text.replace(/[^A-Za-z0-9\-_.!~*'()&=+$,;?/]/gu, (character) => {
    let escaped = '';
    for (const byte of Buffer.from(character, 'utf8'))
      escaped += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    return escaped;
  });
}

const PARAM_UNSAFE = /[^A-Za-z0-9\-_.!~*'()[\]/:&+$%]/gu;

export function writeUri(uri: Uri): string {
  if (uri.kind === 'other') return `${uri.scheme}:${uri.opaque}`;
  let written = `${uri.scheme}:`;
  if (uri.user !== undefined) written += uri.password === undefined ? `${uri.user}@` : `${uri.user}:${uri.password}@`;
  written += uri.host;
  if (uri.port !== undefined) written += `:${uri.port}`;
  for (const [name, value] of uri.params) {
    const safe = name.replace(PARAM_UNSAFE, encodeURIComponent);
    written += value === '' ? `;${safe}` : `;${safe}=${value}`;
  }
  return uri.headers === '' ? written : `${written}?${uri.headers}`;
}

const RESERVED = /[;/?:@&=+$,]/;

/** Escapes of characters that need none are read; those of reserved ones stay, and compare in upper case (RFC 3261 19.1.4). */
function comparable(text: string | undefined): string | undefined {
  return text?.replace(/%[0-9A-Fa-f]{2}/g, (escaped) => {
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    return /[!-~]/.test(character) && character !== '%' && !RESERVED.test(character)
      ? character
      : escaped.toUpperCase();
  });
}

/** Parameters that make URIs different when only one has them (RFC 3261 19.1.4, with `transport` by its erratum). */
const DECISIVE = ['user', 'ttl', 'method', 'maddr', 'transport'];

/** Equality of RFC 3261 19.1.4. It is not transitive, so it can be no key: use `addressOfRecord` for one. */
export function isSameUri(a: Uri, b: Uri): boolean {
  if (a.kind === 'other' || b.kind === 'other') {
    return a.kind === 'other' && b.kind === 'other' && a.scheme === b.scheme && a.opaque === b.opaque;
  }
  if (a.scheme !== b.scheme || a.host !== b.host || a.port !== b.port) return false;
  if (comparable(a.user) !== comparable(b.user) || comparable(a.password) !== comparable(b.password)) return false;
  for (const name of DECISIVE) if (a.params.has(name) !== b.params.has(name)) return false;
  for (const [name, value] of a.params) {
    const other = b.params.get(name);
    if (other !== undefined && comparable(other)?.toLowerCase() !== comparable(value)?.toLowerCase()) return false;
  }
  return sortedHeaders(a.headers) === sortedHeaders(b.headers);
}

function sortedHeaders(headers: string): string {
  return headers === '' ? '' : (comparable(headers) ?? '').split('&').sort().join('&');
}

/** The canonical address of record (RFC 3261 10.3 step 5): `sip:user@host`, escapes read, no port of the default, no parameters. */
export function addressOfRecord(uri: SipUri): string {
  const user = uri.user === undefined ? '' : `${encodeUser(decodeEscapes(uri.user))}@`;
  const port = uri.port === undefined || uri.port === (uri.scheme === 'sips' ? 5061 : 5060) ? '' : `:${uri.port}`;
  return `${uri.scheme}:${user}${uri.host}${port}`;
}
