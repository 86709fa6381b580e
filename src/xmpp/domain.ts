import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';
import { XmppError } from './errors.ts';
import { belongsTo } from './precis-classes.ts';

const PLAIN = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const FOREIGN_ASCII = /[^a-zA-Z0-9.\-\u0080-\u{10ffff}]/u;

function refused(why: string): XmppError {
  return new XmppError('xmpp.jid-malformed', `the domain ${why}`);
}

/**
 * A domainpart in the one form we compare and send: lower case, Unicode labels, no final dot (RFC 7622 3.2). An
 * address literal keeps its form.
 * @throws XmppError `xmpp.jid-malformed`
 */
export function prepareDomain(text: string): string {
  if (text.startsWith('[')) return prepareLiteral(text);
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  const plain = name.toLowerCase();
  if (PLAIN.test(plain) && !plain.includes('xn--')) return checkedNumbers(plain);
  // The host parser behind domainToASCII also reads ports, paths and escapes: none of them may reach it.
  if (name === '' || FOREIGN_ASCII.test(name)) throw refused('is empty or holds a character that it may not hold');
  const ascii = domainToASCII(name);
  if (!PLAIN.test(ascii)) throw refused('is not a domain name');
  const unicode = domainToUnicode(ascii);
  for (const label of unicode.split('.')) {
    // UTS #46 lets symbols and unassigned characters pass; IDNA 2008 does not (RFC 5892).
    if (label.startsWith('xn--') || !belongsTo('identifier', label)) throw refused('has a label that IDNA refuses');
  }
  return checkedNumbers(unicode);
}

function checkedNumbers(name: string): string {
  if (name.length > 1023 || Buffer.byteLength(name) > 1023) throw refused('is longer than 1023 bytes');
  // A name whose last label is a number is an IPv4 address or nothing.
  if (/(?:^|\.)[0-9]+$/.test(name) && !isIPv4(name)) throw refused('is no address, and ends in a number');
  return name;
}

function prepareLiteral(text: string): string {
  const inside = text.slice(1, -1);
  if (!text.endsWith(']') || !isIPv6(inside) || inside.includes('%')) throw refused('is not an IPv6 address');
  return new URL(`http://${text}`).hostname;
}

/** The form for DNS and certificates. */
export function domainForDns(domain: string): string {
  return domainToASCII(domain);
}
