/** XEP-0106: characters that a localpart cannot hold, written as a backslash and two hexadecimal digits. */
const ESCAPES: Readonly<Record<string, string>> = {
  ' ': '\\20',
  '"': '\\22',
  '&': '\\26',
  "'": '\\27',
  '/': '\\2f',
  ':': '\\3a',
  '<': '\\3c',
  '>': '\\3e',
  '@': '\\40',
};
const CODES = '20|22|26|27|2f|3a|3c|3e|40|5c';
const TO_ESCAPE = new RegExp(`[ "&'/:<>@]|\\\\(?=${CODES})`, 'gi');
const ESCAPED = new RegExp(`\\\\(${CODES})`, 'gi');

/** A user name as a localpart. A backslash is escaped only where it would be read as an escape (XEP-0106 4.2). */
export function escapeLocal(name: string): string {
  return name.replace(TO_ESCAPE, (character) => ESCAPES[character] ?? '\\5c');
}

/** The user name behind a localpart, for people and for other systems; never for comparing addresses. */
export function unescapeLocal(local: string): string {
  return local.replace(ESCAPED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
