import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CalendarError } from '../../../src/services/presence-engine/calendar/errors.ts';
import { readCalendar } from '../../../src/services/presence-engine/calendar/read-calendar.ts';
import { instantIn } from '../../../src/services/presence-engine/calendar/time-zones.ts';

const DAY = 24 * 3_600_000;
const at = (text: string): number => Date.parse(text);
const lines = (...text: string[]): string => text.join('\r\n');
const event = (...properties: string[]): string =>
  lines(
    'BEGIN:VEVENT',
    ...(properties.some((each) => each.startsWith('UID')) ? [] : ['UID:1']),
    ...properties,
    'END:VEVENT',
  );
const calendar = (...parts: string[]): string =>
  lines('BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//test//EN', ...parts, 'END:VCALENDAR', '');
/** Entries of the week that begins on 2026-03-23, as `kind from/to subject`. */
function read(text: string, parts: { from?: string; days?: number; mail?: string } = {}): string[] {
  const from = at(parts.from ?? '2026-03-23T00:00:00Z');
  const { entries } = readCalendar({ text, from, to: from + (parts.days ?? 7) * DAY, mail: parts.mail ?? '' });
  const time = (ms: number): string => new Date(ms).toISOString().slice(5, 16);
  return entries.map(({ kind, startsAt, endsAt, subject }) =>
    `${kind} ${time(startsAt)}/${time(endsAt)} ${subject}`.trimEnd(),
  );
}
const BERLIN = lines(
  'BEGIN:VTIMEZONE',
  'TZID:W. Europe Standard Time',
  'BEGIN:STANDARD',
  'DTSTART:16010101T030000',
  'TZOFFSETFROM:+0200',
  'TZOFFSETTO:+0100',
  'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10',
  'END:STANDARD',
  'BEGIN:DAYLIGHT',
  'DTSTART:16010101T020000',
  'TZOFFSETFROM:+0100',
  'TZOFFSETTO:+0200',
  'RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3',
  'END:DAYLIGHT',
  'END:VTIMEZONE',
);
const TEN = ['DTSTART:20260325T100000Z', 'DTEND:20260325T110000Z'] as const;

describe('a calendar', () => {
  it('tells of meetings, and of what is in its time alone', () => {
    assert.deepEqual(read(calendar(event(...TEN, 'SUMMARY:Budget'))), ['meeting 03-25T10:00/03-25T11:00 Budget']);
    assert.deepEqual(read(calendar(event(...TEN)), { from: '2026-03-25T11:00:00Z' }), []);
    assert.deepEqual(read(calendar(event(...TEN)), { from: '2026-03-18T10:00:00Z' }), []);
    assert.deepEqual(read(calendar(event('DTSTART:20260325T100000Z', 'DURATION:PT90M'))), [
      'meeting 03-25T10:00/03-25T11:30',
    ]);
    assert.deepEqual(read(calendar(event('DTSTART:20260325T100000Z'))), [], 'without length');
  });

  const says: readonly (readonly [string, string | undefined])[] = [
    ['TRANSP:OPAQUE', 'meeting'],
    ['TRANSP:TRANSPARENT', undefined],
    ['STATUS:CONFIRMED', 'meeting'],
    ['STATUS:TENTATIVE', undefined],
    ['STATUS:CANCELLED', undefined],
    ['X-MICROSOFT-CDO-BUSYSTATUS:BUSY', 'meeting'],
    ['X-MICROSOFT-CDO-BUSYSTATUS:OOF', 'out-of-office'],
    ['X-MICROSOFT-CDO-BUSYSTATUS:FREE', undefined],
    ['X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE', undefined],
    ['X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE', undefined],
    ['ATTENDEE;PARTSTAT=DECLINED:mailto:Bob@acme.example', undefined],
    ['ATTENDEE;PARTSTAT=DECLINED:mailto:alice@acme.example', 'meeting'],
    ['ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@acme.example', 'meeting'],
  ];
  for (const [property, expected] of says) {
    it(`counts ${property} as ${expected ?? 'nothing'}`, () => {
      const found = read(calendar(event(...TEN, property)), { mail: 'bob@acme.example' });
      assert.deepEqual(
        found.map((each) => each.split(' ')[0]),
        expected === undefined ? [] : [expected],
      );
    });
  }

  it('keeps what is private to itself', () => {
    assert.deepEqual(read(calendar(event(...TEN, 'SUMMARY:Doctor', 'CLASS:PRIVATE'))), [
      'meeting 03-25T10:00/03-25T11:00',
    ]);
  });

  it('recurs over the change of the clocks, by a zone that it defines or names', () => {
    const weekly = (zone: string): string[] => [
      event(
        `DTSTART;TZID=${zone}:20250101T093000`,
        `DTEND;TZID=${zone}:20250101T103000`,
        'RRULE:FREQ=WEEKLY;BYDAY=FR,MO',
      ),
    ];
    const expected = [
      'meeting 03-23T08:30/03-23T09:30',
      'meeting 03-27T08:30/03-27T09:30',
      'meeting 03-30T07:30/03-30T08:30',
    ];
    const days = { days: 10 };
    assert.deepEqual(read(calendar(BERLIN, ...weekly('W. Europe Standard Time')), days), expected);
    assert.deepEqual(read(calendar(BERLIN, ...weekly('"W. Europe Standard Time"')), days), expected);
    assert.deepEqual(read(calendar(...weekly('Europe/Berlin')), days), expected);
    assert.deepEqual(read(calendar('X-WR-TIMEZONE:Europe/Berlin', ...weekly('Made up')), days), expected);
  });

  it('leaves out, moves and cancels single occurrences', () => {
    const series = [
      event(
        'DTSTART:20260302T100000Z',
        'DTEND:20260302T110000Z',
        'RRULE:FREQ=DAILY;COUNT=40',
        'EXDATE:20260324T100000Z,20260326T100000Z',
        'RDATE:20260324T200000Z',
        'SUMMARY:Daily',
      ),
      event('RECURRENCE-ID:20260323T100000Z', 'DTSTART:20260323T150000Z', 'DTEND:20260323T160000Z', 'SUMMARY:Moved'),
      event('RECURRENCE-ID:20260325T100000Z', 'DTSTART:20260325T100000Z', 'DTEND:20260325T110000Z', 'STATUS:CANCELLED'),
      event('RECURRENCE-ID:20260405T100000Z', 'DTSTART:20260328T080000Z', 'DTEND:20260328T090000Z', 'SUMMARY:Early'),
    ];
    assert.deepEqual(read(calendar(...series), { days: 6 }), [
      'meeting 03-23T15:00/03-23T16:00 Moved',
      'meeting 03-24T20:00/03-24T21:00 Daily',
      'meeting 03-27T10:00/03-27T11:00 Daily',
      'meeting 03-28T08:00/03-28T09:00 Early',
      'meeting 03-28T10:00/03-28T11:00 Daily',
    ]);
  });

  it('moves all later occurrences', () => {
    const series = [
      event('DTSTART:20260302T100000Z', 'DTEND:20260302T110000Z', 'RRULE:FREQ=DAILY', 'SUMMARY:Daily'),
      event(
        'RECURRENCE-ID;RANGE=THISANDFUTURE:20260324T100000Z',
        'DTSTART:20260324T120000Z',
        'DTEND:20260324T123000Z',
        'SUMMARY:Later',
      ),
    ];
    assert.deepEqual(read(calendar(...series), { days: 3 }), [
      'meeting 03-23T10:00/03-23T11:00 Daily',
      'meeting 03-24T12:00/03-24T12:30 Later',
      'meeting 03-25T12:00/03-25T12:30 Later',
    ]);
  });

  it("means its owner's days", () => {
    const off = event('DTSTART;VALUE=DATE:20260325', 'DTEND;VALUE=DATE:20260327', 'X-MICROSOFT-CDO-BUSYSTATUS:OOF');
    assert.deepEqual(read(calendar(off)), ['out-of-office 03-25T00:00/03-27T00:00']);
    assert.deepEqual(read(calendar(BERLIN, off)), ['out-of-office 03-24T23:00/03-26T23:00']);
    assert.deepEqual(read(calendar('X-WR-TIMEZONE:America/New_York', off)), ['out-of-office 03-25T04:00/03-27T04:00']);
    const weekly = event('DTSTART;VALUE=DATE:20250101', 'RRULE:FREQ=WEEKLY', 'TRANSP:OPAQUE');
    assert.deepEqual(read(calendar(weekly)), ['meeting 03-25T00:00/03-26T00:00']);
  });

  it('may tell of free and busy times alone', () => {
    const freeBusy = lines(
      'BEGIN:VFREEBUSY',
      'DTSTART:20260323T000000Z',
      'DTEND:20260330T000000Z',
      'FREEBUSY:20260323T100000Z/PT1H,20260324T100000Z/20260324T120000Z',
      'FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260325T100000Z/PT1H',
      'FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260326T100000Z/PT1H',
      'FREEBUSY;FBTYPE=FREE:20260327T100000Z/PT1H',
      'END:VFREEBUSY',
    );
    assert.deepEqual(read(calendar(freeBusy)), [
      'meeting 03-23T10:00/03-23T11:00',
      'meeting 03-24T10:00/03-24T12:00',
      'out-of-office 03-26T10:00/03-26T11:00',
    ]);
  });

  it('is read past a line that is folded, and past an entry that is broken', () => {
    const text = calendar(event('DTSTART:20260325T1000\r\n 00Z', 'DTEND:20260325T110000Z', 'SUMMARY:Bud\r\n get'));
    assert.deepEqual(read(text), ['meeting 03-25T10:00/03-25T11:00 Budget']);
    const broken = calendar(event('UID:2', 'DTSTART:20260325T10', 'RRULE:FREQ=NEVER'), event(...TEN), BERLIN);
    assert.deepEqual(read(broken), ['meeting 03-25T10:00/03-25T11:00']);
    const from = at('2026-03-23T00:00:00Z');
    assert.equal(readCalendar({ text: broken, from, to: from + DAY, mail: '' }).skipped, 1);
  });

  it('keeps the zones that it defines to itself', () => {
    const wrong = lines(
      'BEGIN:VTIMEZONE',
      'TZID:Europe/Berlin',
      'BEGIN:STANDARD',
      'DTSTART:19700101T000000',
      'TZOFFSETFROM:+0900',
      'TZOFFSETTO:+0900',
      'END:STANDARD',
      'END:VTIMEZONE',
    );
    const entry = event('DTSTART;TZID=Europe/Berlin:20260325T100000', 'DURATION:PT1H');
    assert.deepEqual(read(calendar(wrong, entry)), ['meeting 03-25T01:00/03-25T02:00']);
    assert.deepEqual(read(calendar(entry)), ['meeting 03-25T09:00/03-25T10:00']);
  });

  it('is refused when it is none, is cut off, or recurs without end', () => {
    const refused = (text: string, message: RegExp): void =>
      assert.throws(
        () => read(text),
        (error) => error instanceof CalendarError && message.test(error.message),
      );
    refused('<html>Sign in</html>', /no calendar/);
    refused('', /no calendar/);
    refused(calendar(event(...TEN)).slice(0, 120), /ends within/);
    refused(calendar(event('DTSTART:20000101T000000Z', 'DURATION:PT1S', 'RRULE:FREQ=SECONDLY')), /recurs too often/);
  });
});

describe('a time zone', () => {
  const wall = { year: 2026, month: 10, day: 25, hour: 2, minute: 30, second: 0 };
  it('tells the first of two equal times, and goes on by the old offset where one is skipped', () => {
    assert.equal(instantIn('Europe/Berlin', wall), at('2026-10-25T00:30:00Z'));
    assert.equal(instantIn('Europe/Berlin', { ...wall, month: 3, day: 29 }), at('2026-03-29T01:30:00Z'));
    assert.equal(instantIn('Asia/Kathmandu', wall), at('2026-10-24T20:45:00Z'));
    assert.equal(instantIn('Nowhere/Land', wall), at('2026-10-25T02:30:00Z'));
  });
});
