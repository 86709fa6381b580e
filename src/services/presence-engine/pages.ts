/** SQLite takes a limited number of values in one statement. */
const KEYS_PER_QUERY = 400;

/** Keys in pages, each for one statement. */
export function pagesOf(keys: readonly string[]): readonly (readonly string[])[] {
  const pages: (readonly string[])[] = [];
  for (let from = 0; from < keys.length; from += KEYS_PER_QUERY) pages.push(keys.slice(from, from + KEYS_PER_QUERY));
  return pages;
}
