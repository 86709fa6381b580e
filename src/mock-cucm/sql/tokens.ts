import { syntaxError } from './sql-errors.ts';

/** A piece of a statement of Informix's SQL. */
export interface Token {
  readonly kind: 'word' | 'string' | 'number' | 'sign';
  /** Words in lower case; the value of strings; numbers and signs as they are. */
  readonly text: string;
}

const SPACE = /\s+|--[^\n]*|\{[^}]*\}|\/\*[\s\S]*?\*\//y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const STRING = /'(?:[^']|'')*'|"(?:[^"]|"")*"/y;
const SIGN = /\|\||<=|>=|<>|!=|==|[-+*/%=<>(),.;]/y;

/**
 * Cuts a statement into tokens. Both quotes make literals: Informix knows no quoted names here, so that nothing can be
 * spelled around the checks.
 * @throws SqlFault -201
 */
export function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(sql)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  while (at < sql.length) {
    if (take(SPACE) !== undefined) continue;
    const word = take(WORD);
    if (word !== undefined) {
      tokens.push({ kind: 'word', text: word.toLowerCase() });
      continue;
    }
    const literal = take(STRING);
    if (literal !== undefined) {
      const quote = literal[0] as string;
      tokens.push({ kind: 'string', text: literal.slice(1, -1).replaceAll(quote + quote, quote) });
      continue;
    }
    const number = take(NUMBER);
    if (number !== undefined) {
      tokens.push({ kind: 'number', text: number });
      continue;
    }
    const sign = take(SIGN);
    if (sign === undefined) throw syntaxError();
    tokens.push({ kind: 'sign', text: sign });
  }
  return tokens;
}
