import { Refusal } from '../errors.ts';
import type { PersonaId } from '../read-request.ts';

const CONTROL = /\p{Cc}/u;
const MAX_CHARACTERS = 255;
/** What may not stand in a domain: white space, an `@`, a slash, controls. */
const NOT_IN_DOMAIN = /[\s@/\p{Cc}]/u;

/** A group's or a contact's own name, in the form it is kept and compared: Unicode NFC. @throws Refusal `badName` */
export function checkName(name: string): string {
  const normal = name.normalize('NFC');
  if (normal === '' || CONTROL.test(normal) || isTooLong(normal)) throw new Refusal('badName');
  return normal;
}

/** A nickname; empty means none. @throws Refusal `badName` */
export function checkNickname(nickname: string): string {
  return nickname === '' ? '' : checkName(nickname);
}

/** @throws Refusal `badContact` */
export function checkContact({ user, domain }: Pick<PersonaId, 'user' | 'domain'>): void {
  if (user === '' || CONTROL.test(user) || isTooLong(user) || !isDomain(domain)) throw new Refusal('badContact');
}

export function isDomain(domain: string): boolean {
  return domain !== '' && domain.length <= 255 && !NOT_IN_DOMAIN.test(domain);
}

/** How contacts are told apart: user ids without regard to case. */
export function contactKey(user: string, domain: string): string {
  return `${user.toLowerCase()}@${domain.toLowerCase()}`;
}

function isTooLong(name: string): boolean {
  // Counted in characters, not in the UTF-16 units of `length`; the units are never fewer.
  return name.length > MAX_CHARACTERS && [...name].length > MAX_CHARACTERS;
}
