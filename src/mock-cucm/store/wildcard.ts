import type Sqlite from 'better-sqlite3';

/** Name of our matcher in SQL. */
export const MATCH_FUNCTION = 'mock_match';

/**
 * LIKE, without regard to case in any script unless told otherwise: `%` any run, `_` one character. Greedy with one point of return, so that
 * its cost is at most length times pattern.
 */
export function matchesWildcard(pattern: string, value: string, isCaseSensitive = false): boolean {
  const wanted = Array.from(isCaseSensitive ? pattern : fold(pattern));
  const given = Array.from(isCaseSensitive ? value : fold(value));
  let at = 0;
  let next = 0;
  let run = -1;
  let resume = 0;
  while (at < given.length) {
    const want = wanted[next];
    if (want === '%') {
      run = next;
      resume = at;
      next += 1;
    } else if (want !== undefined && (want === '_' || want === given[at])) {
      next += 1;
      at += 1;
    } else if (run >= 0) {
      next = run + 1;
      resume += 1;
      at = resume;
    } else {
      return false;
    }
  }
  while (wanted[next] === '%') next += 1;
  return next === wanted.length;
}

function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/** Teaches a connection our matcher; an unset value matches nothing. */
export function addMatcher(db: Sqlite.Database): void {
  db.function(MATCH_FUNCTION, { deterministic: true }, (pattern: unknown, value: unknown) =>
    value === null || value === undefined ? 0 : Number(matchesWildcard(String(pattern), String(value))),
  );
}
