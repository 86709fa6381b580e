import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { PRESENCE_EVENT } from '../../../src/presence/publication.ts';
import type { PresenceGateway } from '../../../src/rpc/presence-engine/configuration.ts';
import { until } from '../../rpc/support/until.ts';
import { turn } from '../../support/fake-clock.ts';
import { type CalendarHost, feed, openCalendarHost } from './calendar-server.ts';
import { DOMAIN, type EngineWorld, openEngineWorld, pkidOf } from './engine-world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SECOND = 1_000;

describe('calendars', () => {
  let world: EngineWorld;
  let host: CalendarHost;
  let now: number;
  const gateway = (path = '/{user}.ics?key=s3cret'): readonly PresenceGateway[] => [
    { type: 'iCalendar', address: `${host.origin}${path}` },
  ];
  const page = (user: string): string => `/${user}.ics?key=s3cret`;
  const allow = async (user: string, parts: Readonly<Record<string, string | number>> = {}): Promise<void> => {
    await world.test.ids.transaction('cucm', async (trx) => {
      await trx
        .updateTable('enduser')
        .set({ enablecalendarpresence: 1, mailid: `${user}@mail.example`, ...parts })
        .where('pkid', '=', pkidOf(user))
        .execute();
    });
    await world.settle();
  };
  beforeEach(async () => {
    host = await openCalendarHost();
    world = await openEngineWorld({
      parameters: { calendarSpreadSeconds: 0 },
      options: { calendarReadSeconds: 5, calendarMaxBytes: 10_000 },
    });
    now = world.clock.now();
    await allow('alice');
  });
  afterEach(async () => {
    await world[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
  });

  const said = async (user: string): Promise<string> => {
    const all = await world.presenceDatastore.publicationsOf(`${user}@${DOMAIN}`, PRESENCE_EVENT);
    return all
      .map(({ kind, document }) =>
        `${kind} ${document.person?.activities.join('+')} ${document.person?.note}`.trimEnd(),
      )
      .sort()
      .join(', ');
  };
  const untilSaid = async (user: string, expected: string): Promise<void> => {
    while ((await said(user)) !== expected) await turn();
  };
  /** Time goes on until so many queries more have come, and what they brought is known. */
  const queries = async (count: number): Promise<void> => {
    const wanted = host.queries.length + count;
    for (let step = 0; host.queries.length < wanted; step += 1) {
      assert.ok(step < 1_000, 'no query came');
      await world.clock.advance(SECOND);
      await answered();
    }
  };
  const outcomes = async (): Promise<number> => {
    let sum = 0;
    for (const line of await world.metric('CalendarQueries')) sum += Number(line.split(' ').at(-1));
    return sum;
  };
  /** Every query that has come has been answered, and dealt with. */
  const answered = async (): Promise<void> => {
    while ((await outcomes()) < host.queries.length) await turn();
  };

  it('are not asked for without a gateway', async () => {
    await world.clock.advance(10 * MINUTE);
    assert.equal(host.queries.length, 0);
    assert.doesNotMatch(world.engine.detail?.() ?? '', /calendar/);
  });

  it('say that somebody is in a meeting while it lasts', async () => {
    host.pages.set(page('alice'), { body: feed(now + 10 * MINUTE, now + HOUR, 'SUMMARY:Budget') });
    await world.configure({}, gateway());
    await queries(1);
    assert.equal(await said('alice'), '');
    assert.match(world.engine.detail?.() ?? '', /, follows 1 calendar$/);
    assert.deepEqual(await world.metric('ActiveCalendarSubscriptions'), ['ActiveCalendarSubscriptions 1']);
    await world.clock.advance(now + 10 * MINUTE - world.clock.now());
    await untilSaid('alice', 'calendar busy+meeting');
    await world.clock.advance(50 * MINUTE);
    await untilSaid('alice', '');
    assert.equal(host.queries[0]?.headers['accept-encoding'], 'identity');
  });

  it('follow their users’ choices: whether they count, and whether the subject is told', async () => {
    host.pages.set(page('alice'), { body: feed(now, now + HOUR, 'SUMMARY:Budget') });
    await world.configure({}, gateway());
    await queries(1);
    await untilSaid('alice', 'calendar busy+meeting');
    await world.setProperty('alice', 'Calendar.SubjectVisible', 'TRUE');
    await world.settle();
    assert.equal(await said('alice'), '');
    await queries(1);
    await untilSaid('alice', 'calendar busy+meeting Budget');
    await world.setProperty('alice', 'Calendar.InPresence', 'FALSE');
    await world.settle();
    assert.equal(await said('alice'), '');
    const asked = host.queries.length;
    await world.clock.advance(10 * MINUTE);
    assert.equal(host.queries.length, asked);
    await world.setProperty('alice', 'Calendar.InPresence', 'TRUE');
    await world.settle();
    await queries(1);
    await untilSaid('alice', 'calendar busy+meeting Budget');
    await allow('alice', { enablecalendarpresence: 0 });
    assert.equal(await said('alice'), '');
    const [trace] = (await world.test.changeFeed.trace({ limit: 1 })).slice(-1);
    const note = trace?.handledBy.find(({ consumer }) => consumer === 'presence-engine')?.note;
    assert.equal(note, '1 calendar looked at');
  });

  it('are asked each period whether they have changed, and read anew once a day', async () => {
    host.pages.set(page('alice'), { headers: { etag: '"1"' }, body: feed(now, now + HOUR) });
    await world.configure({ calendarStatusSeconds: 120 }, gateway());
    await queries(1);
    await untilSaid('alice', 'calendar busy+meeting');
    await queries(1);
    assert.equal(world.clock.now() - now >= 120 * SECOND, true);
    assert.equal(host.queries[1]?.headers['if-none-match'], '"1"');
    await untilSaid('alice', 'calendar busy+meeting');
    host.pages.set(page('alice'), { headers: { etag: '"2"' }, body: feed(now + 2 * HOUR, now + 3 * HOUR) });
    await queries(1);
    await untilSaid('alice', '');
    await world.configure({ calendarStatusSeconds: 3_600 });
    let wholes = 0;
    for (let hour = 0; hour < 26; hour += 1) {
      if (hour > 0) await world.clock.advance(HOUR - 2 * SECOND);
      await queries(1);
      if (host.queries.at(-1)?.headers['if-none-match'] === undefined) wholes += 1;
    }
    assert.equal(wholes, 1);
  });

  it('are asked for by who may be asked about on this node', async () => {
    await allow('bob', { primarynodeid: 2 });
    await allow('carol', { status: 0 });
    await allow('dave', { mailid: '' });
    await world.configure({}, gateway('/{mail}/{user}'));
    await queries(1);
    await world.clock.advance(5 * SECOND);
    await answered();
    assert.deepEqual(
      host.queries.map(({ path }) => path),
      ['/alice%40mail.example/alice'],
    );
  });

  it('are spread over time, and asked for so many at a time', async () => {
    for (const user of ['bob', 'carol', 'dave']) await allow(user);
    for (const user of ['alice', 'bob', 'carol', 'dave']) host.pages.set(page(user), { isSilent: true });
    await world.configure({ calendarSpreadSeconds: 40, calendarTimeoutSeconds: 300 }, gateway());
    const counts: number[] = [];
    for (let step = 0; step < 5; step += 1) {
      await world.clock.advance(10 * SECOND);
      await until(() => host.queries.length >= Math.min(4, step + 1));
      counts.push(host.queries.length);
    }
    assert.deepEqual(
      counts,
      [2, 3, 4, 4, 4].map((count, step) => Math.min(count, counts[step] ?? 0)),
    );
  });

  it('that are not there, too large, or no calendars say nothing, and are asked for less and less often', async () => {
    for (const [what, answer] of [
      ['absent', { status: 404 }],
      ['large', { body: feed(now, now + HOUR).padEnd(11_000, '\n') }],
      ['compressed', { headers: { 'content-encoding': 'gzip' }, body: 'x' }],
      ['a page', { body: '<html>' }],
    ] as const) {
      await world.configure({}, []);
      host.pages.set(page('alice'), answer);
      await world.configure({}, gateway());
      await queries(1);
      const first = world.clock.now();
      await queries(1);
      const second = world.clock.now();
      await queries(1);
      assert.ok(second - first >= 120 * SECOND, what);
      assert.ok(world.clock.now() - second >= 240 * SECOND, what);
      assert.equal(await said('alice'), '', what);
    }
    assert.deepEqual(world.test.alarms.active(), []);
  });

  it('of a server that is away raise an alarm that does not tell the address, and are found again', async () => {
    host.pages.set(page('alice'), { body: feed(now, now + 5 * HOUR) });
    await world.configure({}, gateway());
    await queries(1);
    await untilSaid('alice', 'calendar busy+meeting');
    host.pages.set(page('alice'), { status: 503 });
    await queries(3);
    const [alarm] = world.test.alarms.active();
    assert.equal(alarm?.name, 'PECalendarConnectionLoss');
    assert.match(alarm?.message ?? '', /^the calendar server http:\/\/127\.0\.0\.1:\d+ cannot be reached: status 503/);
    assert.equal(await said('alice'), 'calendar busy+meeting', 'what is known still counts');
    const before = world.clock.now();
    await queries(1);
    assert.ok(world.clock.now() - before >= 20 * SECOND);
    host.pages.set(page('alice'), { status: 503, headers: { 'retry-after': '900' } });
    await queries(1);
    host.pages.set(page('alice'), { body: feed(now, now + 5 * HOUR) });
    const told = world.clock.now();
    await queries(1);
    assert.ok(world.clock.now() - told >= 900 * SECOND, 'it says when it wants to be asked again');
    assert.deepEqual(world.test.alarms.active(), []);
    assert.equal(world.test.alarms.history()[0]?.name, 'PECalendarConnectionLoss');
  });

  it('that do not answer in time are as good as away', async () => {
    host.pages.set(page('alice'), { isSilent: true });
    await world.configure({ calendarTimeoutSeconds: 2 }, gateway());
    await world.clock.advance(SECOND);
    await until(() => host.queries.length === 1);
    await world.clock.advance(2 * SECOND);
    await answered();
    assert.deepEqual(await world.metric('CalendarQueries'), ['CalendarQueries{outcome="away"} 1']);
  });

  it('are followed to where they are, with the same scheme alone', async () => {
    host.pages.set('/moved', { body: feed(now, now + HOUR) });
    host.pages.set(page('alice'), { status: 302, headers: { location: '/moved' } });
    await world.configure({}, gateway());
    await world.clock.advance(SECOND);
    await untilSaid('alice', 'calendar busy+meeting');
    assert.equal(host.queries.length, 2);
    await world.configure({}, []);
    assert.equal(await said('alice'), '');
    for (const location of ['https://127.0.0.1:1/', 'file:///etc/passwd', page('alice')]) {
      host.pages.set(page('alice'), { status: 302, headers: { location } });
      const before = await outcomes();
      await world.configure({}, gateway());
      await world.clock.advance(SECOND);
      while ((await outcomes()) === before) await turn();
      assert.equal(await said('alice'), '', location);
      await world.configure({}, []);
    }
    const bad = await world.metric('CalendarQueries');
    assert.deepEqual(
      bad.filter((line) => line.includes('bad')),
      ['CalendarQueries{outcome="bad"} 3'],
    );
  });

  it('that take for ever to work out harm nobody', async () => {
    const forever = feed(now, now + HOUR, 'RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30');
    host.pages.set(page('alice'), { body: forever });
    await world.configure({}, gateway());
    await world.clock.advance(SECOND);
    await until(() => host.queries.length === 1);
    // The answer is on its way to the thread; ours goes on, and its time runs out.
    for (let step = 0; (await outcomes()) === 0; step += 1) {
      assert.ok(step < 2_000);
      await turn();
      if (step % 100 === 99) await world.clock.advance(SECOND);
    }
    assert.deepEqual(await world.metric('CalendarQueries'), ['CalendarQueries{outcome="bad"} 1']);
    host.pages.set(page('alice'), { body: feed(now, now + HOUR) });
    await queries(1);
    await untilSaid('alice', 'calendar busy+meeting');
  });

  it('say the same over a restart of the service', async () => {
    host.pages.set(page('alice'), { headers: { etag: '"1"' }, body: feed(now, now + HOUR) });
    await world.configure({}, gateway());
    await queries(1);
    await untilSaid('alice', 'calendar busy+meeting');
    await world.restart();
    assert.equal(await said('alice'), 'calendar busy+meeting');
    await queries(1);
    await world.configure({}, []);
    assert.equal(await said('alice'), '');
  });
});
