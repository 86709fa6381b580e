/** Whose calendar is asked for. */
export interface CalendarOwner {
  readonly userid: string;
  /** Mail address; '' when there is none. */
  readonly mail: string;
  /** IM address. */
  readonly address: string;
}

const PLACEHOLDER = /\{([^{}]*)\}/g;
const PLACEHOLDERS = ['user', 'mail', 'address'] as const;
const MOST_CHARACTERS = 2_048;

/**
 * What is wrong with the address of an iCalendar gateway: a URL with `{user}`, `{mail}` or `{address}` in its path or
 * query. undefined when nothing is. The answer never quotes it: it may hold a secret.
 */
export function faultOfCalendarUrl(template: string): string | undefined {
  if (template.length > MOST_CHARACTERS) return `it is longer than ${MOST_CHARACTERS} characters`;
  const names = [...template.matchAll(PLACEHOLDER)].map(([, name]) => name ?? '');
  const unknown = names.find((name) => !(PLACEHOLDERS as readonly string[]).includes(name));
  if (unknown !== undefined) return `its placeholders are {${PLACEHOLDERS.join('}, {')}}`;
  if (names.length === 0) return `it has none of {${PLACEHOLDERS.join('}, {')}}, and would be everybody's calendar`;
  const url = parse(filled(template, () => 'x'));
  if (url === undefined) return 'it is not a URL';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'it is neither https nor http';
  if (url.username !== '' || url.password !== '') return 'it holds a user name or password';
  // With a placeholder in it, who names users would say where they are looked up.
  if (url.origin !== parse(filled(template, () => 'y'))?.origin) return 'its host must not depend on the user';
  return undefined;
}

/** The URL of a user's calendar; undefined when the user lacks what the template asks for. */
export function calendarUrlOf(template: string, { userid, mail, address }: CalendarOwner): string | undefined {
  const values: Readonly<Record<string, string>> = { user: userid, mail, address };
  let isLacking = false;
  const url = filled(template, (name) => {
    const value = values[name] ?? '';
    // Between slashes these two would climb the path.
    if (value === '' || value === '.' || value === '..') isLacking = true;
    return encodeURIComponent(value);
  });
  return isLacking ? undefined : url;
}

/** What of it may be shown and logged: scheme, host and port. */
export function calendarServerOf(template: string): string {
  return parse(filled(template, () => 'x'))?.origin ?? '';
}

function filled(template: string, value: (name: string) => string): string {
  return template.replace(PLACEHOLDER, (_, name: string) => value(name));
}

function parse(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
