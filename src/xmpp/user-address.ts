import { type Jid, tryParseJid } from './jid.ts';
import { escapeLocal, unescapeLocal } from './jid-escape.ts';

/** `user@domain` in lower case, behind the escapes of XEP-0106: how everything but XMPP names the user. */
export function addressOfJid({ local, domain }: Jid): string {
  return local === null ? domain : `${unescapeLocal(local)}@${domain}`.toLowerCase();
}

/** The address on the wire of a `user@domain`; undefined where there can be none. */
export function jidOfAddress(address: string): Jid | undefined {
  const at = address.lastIndexOf('@');
  return tryParseJid(`${escapeLocal(address.slice(0, at))}@${address.slice(at + 1)}`);
}
