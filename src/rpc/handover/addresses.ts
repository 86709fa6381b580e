import { isIP } from 'node:net';

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?$/i;

/** A DNS name (RFC 1035 2.3.1, with the underscore of SRV names and leading digits), 253 characters at most. */
export function isHostName(text: string): boolean {
  if (text.length === 0 || text.length > 253 || isIP(text) !== 0) return false;
  const labels = text.split('.');
  // All digits in the last label is an address that went wrong.
  return labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '');
}

/** A host name or an IP address, without brackets. */
export function isHost(text: string): boolean {
  return isIP(text) !== 0 || isHostName(text);
}

/** `10.0.0.0/8`, `2001:db8::/32` */
export function isPrefix(text: string): boolean {
  const [address, length, ...more] = text.split('/');
  if (address === undefined || length === undefined || more.length > 0 || !/^\d{1,3}$/.test(length)) return false;
  const family = isIP(address);
  return family !== 0 && Number(length) <= (family === 4 ? 32 : 128);
}

/** A pattern of an access control list: host name, address, prefix, or `all`. */
export function isAclPattern(text: string): boolean {
  return text === 'all' || isHost(text) || isPrefix(text);
}
