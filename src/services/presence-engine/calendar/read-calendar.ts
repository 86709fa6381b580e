import { createHash } from 'node:crypto';
import ICAL from 'ical.js';
import type { CalendarEntry, CalendarQuestion, CalendarReading } from './calendar-entry.ts';
import { splitCalendar } from './calendar-text.ts';
import { CalendarError } from './errors.ts';
import { instantIn, isTimeZone } from './time-zones.ts';

type Component = InstanceType<typeof ICAL.Component>;
type Time = InstanceType<typeof ICAL.Time>;
type Kind = CalendarEntry['kind'];
/** The zone of a calendar's owner: of the feed, or of the IANA database. */
type Home = string | InstanceType<typeof ICAL.Timezone>;

/** A rule that says more is no calendar of a person's. */
const MOST_OCCURRENCES = 20_000;
const MOST_ENTRIES = 2_000;
const MOST_SUBJECT = 200;
/** An exception may move all later occurrences (RANGE=THISANDFUTURE), though hardly further. */
const MOVED_MS = 31 * 24 * 60 * 60_000;

/** What the values of Outlook's own word for busy mean; any other says nothing to others. */
const KIND_OF_STATUS: ReadonlyMap<string, Kind> = new Map([
  ['BUSY', 'meeting'],
  ['OOF', 'out-of-office'],
]);
/** RFC 5545 3.2.9. */
const KIND_OF_FREE_BUSY: ReadonlyMap<string, Kind> = new Map([
  ['BUSY', 'meeting'],
  ['BUSY-UNAVAILABLE', 'out-of-office'],
]);

/**
 * The times of a feed (RFC 5545) in which its owner is busy or out of office: recurrences, exceptions and time zones
 * worked out (docs/services/presence-engine.md, Calendar). May take any time: run it where it can be stopped.
 * @throws CalendarError `calendar.unreadable`
 */
export function readCalendar({ text, from, to, mail }: CalendarQuestion): CalendarReading {
  const parts = splitCalendar(text, from, to);
  const calendar = new ICAL.Component('vcalendar');
  const found: CalendarEntry[] = [];
  let skipped = 0;
  const add = (block: string): Component | undefined => {
    try {
      const component = new ICAL.Component(ICAL.parse(block));
      calendar.addSubcomponent(component);
      return component;
    } catch {
      // What is wrong with one entry is no reason to know nothing of the others.
      skipped += 1;
      return undefined;
    }
  };
  const keep = (id: string, kind: Kind, startsAt: number, endsAt: number, subject: string): void => {
    if (!(endsAt > from && startsAt < to && endsAt > startsAt)) return;
    found.push({ id: idOf(id, startsAt), kind, startsAt, endsAt, subject });
  };

  for (const block of parts.timeZones) add(block);
  const home = homeOf(parts.zone, calendar);
  const series = new Map<string, { readonly masters: Component[]; readonly exceptions: Component[] }>();
  for (const block of parts.events) {
    const component = add(block);
    if (component === undefined) continue;
    const uid = textOf(component, 'uid');
    const same = series.get(uid) ?? { masters: [], exceptions: [] };
    series.set(uid, same);
    (component.hasProperty('recurrence-id') ? same.exceptions : same.masters).push(component);
  }
  for (const [uid, { masters, exceptions }] of series) {
    const attempt = (task: () => void): void => {
      try {
        task();
      } catch (error) {
        if (error instanceof CalendarError) throw error;
        skipped += 1;
      }
    };
    // An exception counts by itself, wherever it has been moved to.
    for (const exception of exceptions) attempt(() => single(uid, exception));
    for (const master of masters) attempt(() => occurrences(uid, master, exceptions));
  }
  for (const block of parts.freeBusy) {
    for (const { kind, startsAt, endsAt } of periodsOf(add(block), home)) keep('', kind, startsAt, endsAt, '');
  }
  found.sort((a, b) => a.startsAt - b.startsAt || (a.id < b.id ? -1 : 1));
  return { entries: found.slice(0, MOST_ENTRIES), skipped };

  function single(uid: string, component: Component): void {
    const kind = kindOf(component, mail);
    if (kind === null) return;
    const event = new ICAL.Event(component, { exceptions: [] });
    keep(
      uid,
      kind,
      instantOf(event.startDate, component, home),
      instantOf(event.endDate, component, home),
      subjectOf(component),
    );
  }

  function occurrences(uid: string, master: Component, exceptions: readonly Component[]): void {
    const event = new ICAL.Event(master, { exceptions: [...exceptions] });
    if (!event.isRecurring()) {
      single(uid, master);
      return;
    }
    const lengthMs = Math.max(0, event.duration.toSeconds() * 1_000);
    const iterator = event.iterator();
    for (let count = 0; count < MOST_OCCURRENCES; count += 1) {
      const occurrence = iterator.next() as Time | undefined;
      if (!occurrence) return;
      // Zones are worked out only for what comes near: most occurrences lie years back.
      const { year, month, day, hour, minute, second } = occurrence;
      const nearly = Date.UTC(year, month - 1, day, hour, minute, second);
      if (nearly >= to + MOVED_MS) return;
      if (nearly + lengthMs < from - MOVED_MS) continue;
      const { item, recurrenceId, startDate, endDate } = event.getOccurrenceDetails(occurrence);
      const exceptionId = item.component.getFirstPropertyValue('recurrence-id') as Time | null;
      if (exceptionId !== null && exceptionId.compare(recurrenceId) === 0) continue;
      const kind = kindOf(item.component, mail);
      if (kind === null) continue;
      keep(
        uid,
        kind,
        instantOf(startDate, item.component, home),
        instantOf(endDate, item.component, home),
        subjectOf(item.component),
      );
    }
    throw new CalendarError('calendar.unreadable', 'an entry recurs too often');
  }
}

/** What an entry says of its owner; null: nothing. */
function kindOf(component: Component, mail: string): Kind | null {
  const status = textOf(component, 'status').toUpperCase();
  if (status === 'CANCELLED' || status === 'TENTATIVE') return null;
  if (textOf(component, 'transp').toUpperCase() === 'TRANSPARENT') return null;
  if (mail !== '') {
    for (const attendee of component.getAllProperties('attendee')) {
      const isOwner = String(attendee.getFirstValue()).toLowerCase() === `mailto:${mail}`;
      if (isOwner && parameter(attendee, 'partstat') === 'DECLINED') return null;
    }
  }
  const busy = textOf(component, 'x-microsoft-cdo-busystatus').toUpperCase();
  return busy === '' ? 'meeting' : (KIND_OF_STATUS.get(busy) ?? null);
}

function subjectOf(component: Component): string {
  const level = textOf(component, 'class').toUpperCase();
  return level === '' || level === 'PUBLIC' ? textOf(component, 'summary').slice(0, MOST_SUBJECT) : '';
}

function periodsOf(
  component: Component | undefined,
  home: Home,
): readonly { readonly kind: Kind; readonly startsAt: number; readonly endsAt: number }[] {
  if (component === undefined) return [];
  return component.getAllProperties('freebusy').flatMap((property) => {
    const kind = KIND_OF_FREE_BUSY.get(parameter(property, 'fbtype') || 'BUSY');
    if (kind === undefined) return [];
    return property.getValues().flatMap((value) => {
      if (!(value instanceof ICAL.Period)) return [];
      const startsAt = instantOf(value.start, component, home);
      return [{ kind, startsAt, endsAt: instantOf(value.getEnd(), component, home) }];
    });
  });
}

/**
 * An instant by the zone that the feed defines, else by the one that it names, else by its owner's: where somebody has
 * a day off, the day is meant that the owner has.
 */
function instantOf(time: Time, component: Component, home: Home): number {
  const { year, month, day } = time;
  if (time.isDate) {
    const midnight = { year, month, day, hour: 0, minute: 0, second: 0 };
    if (typeof home === 'string') return instantIn(home, midnight);
    return new ICAL.Time(midnight, home).toUnixTime() * 1_000;
  }
  if (time.zone && time.zone !== ICAL.Timezone.localTimezone) return time.toUnixTime() * 1_000;
  const start = component.getFirstProperty('dtstart');
  const named = start === null ? '' : String(start.getParameter('tzid') ?? '');
  const { hour, minute, second } = time;
  if (named !== '' && isTimeZone(named)) return instantIn(named, { year, month, day, hour, minute, second });
  if (typeof home === 'string') return instantIn(home, { year, month, day, hour, minute, second });
  return new ICAL.Time({ year, month, day, hour, minute, second }, home).toUnixTime() * 1_000;
}

/** Zone of days and of times without one: what the feed says, else the only one that it defines, else UTC. */
function homeOf(told: string, calendar: Component): Home {
  const defined = calendar.getAllSubcomponents('vtimezone').map((each) => textOf(each, 'tzid'));
  const name = told === '' && defined.length === 1 ? (defined[0] ?? '') : told;
  return calendar.getTimeZoneByID(name) ?? (isTimeZone(name) ? name : 'UTC');
}

function textOf(component: Component, name: string): string {
  const value = component.getFirstPropertyValue(name);
  return value === null || value === undefined ? '' : String(value).trim();
}

function parameter(property: InstanceType<typeof ICAL.Property>, name: string): string {
  return String(property.getParameter(name) ?? '').toUpperCase();
}

function idOf(uid: string, startsAt: number): string {
  return createHash('sha256').update(`${uid}\n${startsAt}`).digest('hex').slice(0, 16);
}
