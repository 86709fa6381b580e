/** Wall-clock time, month 1 to 12. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const DAY_MS = 24 * 60 * 60_000;
/** Feeds name their zones themselves: what they make up must not fill the memory. */
const MOST_FORMATS = 500;

const formats = new Map<string, Intl.DateTimeFormat | null>();

/** Whether the name is one of the IANA time zone database. */
export function isTimeZone(name: string): boolean {
  return formatOf(name) !== null;
}

/**
 * Milliseconds since the epoch. As RFC 5545 3.3.5 has it: a time that comes twice is the first, and one that is skipped
 * counts by the offset before it.
 * @param zone one that `isTimeZone`; any other counts as UTC
 */
export function instantIn(zone: string, { year, month, day, hour, minute, second }: WallTime): number {
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  const before = offsetAt(zone, wall - DAY_MS);
  const byBefore = wall - before;
  if (offsetAt(zone, byBefore) === before) return byBefore;
  const after = offsetAt(zone, wall + DAY_MS);
  const byAfter = wall - after;
  return offsetAt(zone, byAfter) === after ? byAfter : byBefore;
}

/** How far the zone's clocks are ahead of UTC at an instant, in milliseconds. */
function offsetAt(zone: string, at: number): number {
  const format = formatOf(zone);
  if (format === null) return 0;
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  const wall = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return wall - Math.floor(at / 1_000) * 1_000;
}

function formatOf(zone: string): Intl.DateTimeFormat | null {
  let format = formats.get(zone);
  if (format === undefined) {
    format = makeFormat(zone);
    if (formats.size < MOST_FORMATS) formats.set(zone, format);
  }
  return format;
}

function makeFormat(timeZone: string): Intl.DateTimeFormat | null {
  const number = 'numeric';
  const fields = { year: number, month: number, day: number, hour: number, minute: number, second: number } as const;
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, calendar: 'iso8601', hourCycle: 'h23', ...fields });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
