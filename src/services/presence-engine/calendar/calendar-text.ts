import { CalendarError } from './errors.ts';

/** The parts of a feed that are looked at, unfolded (RFC 5545 3.1), each from BEGIN to END. */
export interface CalendarParts {
  readonly timeZones: readonly string[];
  readonly events: readonly string[];
  readonly freeBusy: readonly string[];
  /** Zone of the calendar's owner (`X-WR-TIMEZONE`); '' when not told. */
  readonly zone: string;
}

const WANTED = { VTIMEZONE: 'timeZones', VEVENT: 'events', VFREEBUSY: 'freeBusy' } as const;
const MOST_PARTS = 50_000;
/** Times of a day may stand for those of the day before or after, whatever the zone. */
const SLACK_DAYS = 2;
const DAY_MS = 24 * 60 * 60_000;
/** Events of less than five weeks by their DURATION, which is not worked out here. */
const SHORT = /^DURATION[^:]*:P(T\w+|[12]?\dD\w*|[1-4]W)$/i;
const SHORT_DAYS = 35;

/**
 * Takes a feed apart by its lines alone, and leaves out events that are long over or far ahead: calendars hold years.
 * @throws CalendarError `calendar.unreadable`
 */
export function splitCalendar(text: string, from: number, to: number): CalendarParts {
  const lines = text
    .replace(/^\uFEFF/, '')
    .replace(/\r?\n[ \t]/g, '')
    .split(/\r?\n/);
  if (lines[0]?.trim().toUpperCase() !== 'BEGIN:VCALENDAR') {
    throw new CalendarError('calendar.unreadable', 'it is no calendar');
  }
  const parts = { timeZones: [] as string[], events: [] as string[], freeBusy: [] as string[] };
  const firstDay = dayOf(from - SLACK_DAYS * DAY_MS);
  const firstShortDay = dayOf(from - (SLACK_DAYS + SHORT_DAYS) * DAY_MS);
  const lastDay = dayOf(to + SLACK_DAYS * DAY_MS);
  let zone = '';
  let count = 0;
  for (let at = 0; at < lines.length; at += 1) {
    const line = (lines[at] ?? '').trimEnd();
    if (zone === '' && /^X-WR-TIMEZONE[:;]/i.test(line)) zone = line.slice(line.indexOf(':') + 1).trim();
    const name = /^BEGIN:(VTIMEZONE|VEVENT|VFREEBUSY)$/i.exec(line)?.[1]?.toUpperCase() as
      | keyof typeof WANTED
      | undefined;
    if (name === undefined) continue;
    let end = at + 1;
    while (end < lines.length && lines[end]?.trimEnd().toUpperCase() !== `END:${name}`) end += 1;
    if (end >= lines.length) throw new CalendarError('calendar.unreadable', 'it ends within a component');
    const block = lines.slice(at, end + 1);
    at = end;
    if (name === 'VEVENT' && !mayMatter(block, firstDay, firstShortDay, lastDay)) continue;
    count += 1;
    if (count > MOST_PARTS) throw new CalendarError('calendar.unreadable', `it has more than ${MOST_PARTS} entries`);
    parts[WANTED[name]].push(block.join('\r\n'));
  }
  return { ...parts, zone };
}

/** Whether an event may touch the days; one that recurs, or whose times are not plain, may. */
function mayMatter(block: readonly string[], firstDay: string, firstShortDay: string, lastDay: string): boolean {
  let start = '';
  let end = '';
  let hasDuration = false;
  for (const line of block) {
    const name = /^[A-Z-]+/i.exec(line)?.[0].toUpperCase();
    if (name === 'RRULE' || name === 'RDATE' || name === 'RECURRENCE-ID') return true;
    if (name === 'DURATION') {
      if (!SHORT.test(line.trimEnd())) return true;
      hasDuration = true;
    }
    if (name === 'DTSTART') start ||= dayIn(line);
    if (name === 'DTEND') end ||= dayIn(line);
  }
  if (start === '') return true;
  return start <= lastDay && (end || start) >= (hasDuration ? firstShortDay : firstDay);
}

/** `20261125` of a date or date-time at the line's end; '' when there is none. */
function dayIn(line: string): string {
  return /:(\d{8})(T\d{6}Z?)?$/.exec(line.trimEnd())?.[1] ?? '';
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10).replaceAll('-', '');
}
