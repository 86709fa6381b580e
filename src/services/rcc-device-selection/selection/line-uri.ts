import { RccError } from '../errors.ts';

/** What a Line URI says: `tel:<dn>[;phone-context=dialstring][;device=<name>][;partition=<name>]`. */
export interface LineUri {
  /** Digits, `*`, `#` and `A` to `D`; a global number begins with `+`. */
  readonly number: string;
  readonly device: string | null;
  readonly partition: string | null;
}

const NUMBER = /^\+?[0-9*#A-D]{1,50}$/;
/** RFC 3966 3: for people only. */
const SEPARATORS = /[-.()]/g;
const DIAL_STRING = 'dialstring';
const MAX_CHARACTERS = 512;

/**
 * Reads a Line URI. Names of parameters in any case and order; those that we do not know are passed over.
 * @throws RccError `rcc.line-uri`
 */
export function parseLineUri(text: string): LineUri {
  const trimmed = text.trim();
  if (trimmed.length > MAX_CHARACTERS) throw refused('it is too long');
  const scheme = /^tel:/i.exec(trimmed)?.[0];
  if (scheme === undefined) throw refused('it does not begin with tel:');
  const [written = '', ...parts] = trimmed.slice(scheme.length).split(';');
  const number = numberIn(written);
  if (number === null) throw refused('there is no directory number');
  const params = new Map<string, string>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    if (params.has(name)) throw refused('a parameter stands twice');
    params.set(name, equals < 0 ? '' : decode(part.slice(equals + 1).trim()));
  }
  const context = params.get('phone-context');
  if (context !== undefined && context.toLowerCase() !== DIAL_STRING) throw refused('the phone context is unknown');
  if (context !== undefined && number.startsWith('+')) throw refused('a global number has no phone context');
  return { number, device: nameIn(params, 'device'), partition: nameIn(params, 'partition') };
}

/** The number in a `tel:` URI, or in what a person typed; null when it is none. */
export function dialledNumber(text: string): string | null {
  const [number = ''] = text.trim().replace(/^tel:/i, '').split(';');
  return numberIn(number.replaceAll(' ', ''));
}

/** How events name another party: the shortest Line URI. */
export function telUri(number: string): string {
  return number.startsWith('+') || number === '' ? `tel:${number}` : `tel:${number};phone-context=${DIAL_STRING}`;
}

function numberIn(text: string): string | null {
  const number = text.replace(SEPARATORS, '').toUpperCase();
  return NUMBER.test(number) ? number : null;
}

function nameIn(params: ReadonlyMap<string, string>, name: string): string | null {
  const value = params.get(name);
  if (value === '') throw refused(`the ${name} is empty`);
  return value ?? null;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new RccError('rcc.line-uri', 'the Line URI is not valid: an escape is broken', { cause });
  }
}

function refused(what: string): RccError {
  return new RccError('rcc.line-uri', `the Line URI is not valid: ${what}`);
}
