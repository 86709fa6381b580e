/**
 * The destination pattern of a static route. In the user part `.` is any one character, `*` any number of them (at the
 * end only where the pattern is a number) and `\*` a star. In a domain `.` is itself and `*` any number of characters;
 * a domain that begins with a dot is written backwards, as administrators know it: `.com.example.*` is `*.example.com`
 * and `example.com` itself.
 */
export type RouteType = 'user' | 'domain';

export interface RoutePattern {
  /** Whether the user part, or the domain, is one that this route is for. Case counts in a user part only. */
  matches(subject: string): boolean;
  /** How much of a subject it fixes, stars not counted: the longer pattern is the more specific one and wins. */
  readonly length: number;
  /** Of equally long ones that with more characters of its own. */
  readonly literals: number;
}

export const MAX_PATTERN_LENGTH = 255;
export const MAX_EMBED_TEMPLATES = 5;

type Piece =
  | { readonly kind: 'literal'; readonly character: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'many' };

/** What is wrong with a pattern; undefined when nothing is. */
export function faultOfPattern(type: RouteType, pattern: string, templates: readonly string[]): string | undefined {
  if (pattern === '') return 'the pattern is empty';
  if (pattern.length > MAX_PATTERN_LENGTH) return `the pattern is longer than ${MAX_PATTERN_LENGTH} characters`;
  if (/[\s\p{C}]/u.test(pattern)) return 'the pattern holds white space or a control character';
  return type === 'user' ? faultOfUserPattern(pattern, templates) : faultOfDomainPattern(pattern);
}

function faultOfUserPattern(pattern: string, templates: readonly string[]): string | undefined {
  if (/\\(?!\*)/.test(pattern)) return 'a backslash stands only before a star';
  if (!isNumberPattern(pattern)) return undefined;
  const pieces = piecesOfUser(pattern);
  const star = pieces.findIndex(({ kind }) => kind === 'many');
  if (star >= 0 && star < pieces.length - 1) return 'in a number the star stands only at the end';
  if (hasEmbeddedWildcard(pieces) && !templates.some((template) => fitsTemplate(pattern, template))) {
    return 'a wildcard within the number fits no route embed template';
  }
  return undefined;
}

function faultOfDomainPattern(pattern: string): string | undefined {
  const labels = (isReversed(pattern) ? pattern.slice(1) : pattern).split('.');
  if (isReversed(pattern) && labels.slice(0, -1).some((label) => label.includes('*'))) {
    return 'in a domain written backwards the star stands only at the end';
  }
  const isLegal = labels.every((label) => /^[A-Za-z0-9*](?:[A-Za-z0-9*_-]{0,61}[A-Za-z0-9*])?$/.test(label));
  return isLegal ? undefined : 'it is not a domain name with stars';
}

/** What is wrong with a route embed template. */
export function faultOfTemplate(template: string): string | undefined {
  if (!/^\+?[0-9.]+$/.test(template)) return `template ${template} is not made of digits and dots`;
  return hasEmbeddedWildcard(piecesOfUser(template)) ? undefined : `template ${template} has no wildcard within`;
}

/** @param pattern must have no fault */
export function compilePattern(type: RouteType, pattern: string): RoutePattern {
  if (type === 'user') {
    const pieces = piecesOfUser(pattern);
    return { matches: (subject) => isMatch(pieces, subject), ...specificity(pieces) };
  }
  if (!isReversed(pattern)) {
    const pieces = piecesOfDomain(pattern.toLowerCase());
    return { matches: (subject) => isMatch(pieces, subject.toLowerCase()), ...specificity(pieces) };
  }
  const labels = pattern.slice(1).toLowerCase().split('.');
  const isOpen = labels.at(-1) === '*';
  const fixed = piecesOfDomain((isOpen ? labels.slice(0, -1) : labels).reverse().join('.'));
  const below: readonly Piece[] = [{ kind: 'many' }, { kind: 'literal', character: '.' }, ...fixed];
  return {
    matches(subject) {
      const domain = subject.toLowerCase();
      return isMatch(fixed, domain) || (isOpen && isMatch(below, domain));
    },
    ...specificity(fixed),
  };
}

function specificity(pieces: readonly Piece[]): { readonly length: number; readonly literals: number } {
  const count = (kind: Piece['kind']): number => pieces.filter((piece) => piece.kind === kind).length;
  return { length: count('literal') + count('one'), literals: count('literal') };
}

const isReversed = (pattern: string): boolean => pattern.startsWith('.');

/** Digits, what stands between them, and wildcards; at least one digit. */
function isNumberPattern(pattern: string): boolean {
  return /^\+?[0-9A-D#.*\\-]*$/.test(pattern) && /[0-9]/.test(pattern);
}

function piecesOfUser(pattern: string): Piece[] {
  const pieces: Piece[] = [];
  const characters = [...pattern];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] as string;
    if (character === '\\' && characters[at + 1] === '*') {
      pieces.push({ kind: 'literal', character: '*' });
      at += 1;
    } else if (character === '.') pieces.push({ kind: 'one' });
    else if (character === '*') pieces.push({ kind: 'many' });
    else pieces.push({ kind: 'literal', character });
  }
  return pieces;
}

function piecesOfDomain(pattern: string): Piece[] {
  return [...pattern].map((character) => (character === '*' ? { kind: 'many' } : { kind: 'literal', character }));
}

/** A `.` with something fixed after it. */
function hasEmbeddedWildcard(pieces: readonly Piece[]): boolean {
  const first = pieces.findIndex(({ kind }) => kind === 'one');
  return first >= 0 && pieces.slice(first).some(({ kind }) => kind === 'literal');
}

/** The same leading digits, length and number of wildcards. */
function fitsTemplate(pattern: string, template: string): boolean {
  const leading = (text: string): string => text.slice(0, text.indexOf('.'));
  const wildcards = (text: string): number => text.split('.').length;
  return (
    pattern.length === template.length &&
    leading(pattern) === leading(template) &&
    wildcards(pattern) === wildcards(template)
  );
}

/** Goes back to the last star only: time grows with the product of both lengths, whatever the pattern. */
function isMatch(pieces: readonly Piece[], subject: string): boolean {
  const characters = [...subject];
  let piece = 0;
  let at = 0;
  let starPiece = -1;
  let starAt = 0;
  while (at < characters.length) {
    const current = pieces[piece];
    if (current?.kind === 'many') {
      starPiece = piece;
      starAt = at;
      piece += 1;
    } else if (current && (current.kind !== 'literal' || current.character === characters[at])) {
      piece += 1;
      at += 1;
    } else if (starPiece >= 0) {
      starAt += 1;
      at = starAt;
      piece = starPiece + 1;
    } else return false;
  }
  while (pieces[piece]?.kind === 'many') piece += 1;
  return piece === pieces.length;
}
