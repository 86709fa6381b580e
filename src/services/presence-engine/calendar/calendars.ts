import type { FeedBatch } from '../../../ids/change-feed.ts';
import type { Ids } from '../../../ids/ids.ts';
import type { Alarms } from '../../../platform/alarms.ts';
import type { Clock } from '../../../platform/clock.ts';
import { describeError } from '../../../platform/errors.ts';
import type { Log } from '../../../platform/log.ts';
import { calendarServerOf, calendarUrlOf } from '../../../rpc/presence-engine/calendar-url.ts';
import type { EngineConfiguration } from '../../../rpc/presence-engine/configuration.ts';
import type { PresenceDatastore } from '../../presence-datastore/presence-datastore.ts';
import type { EngineCounters } from '../counters.ts';
import { pagesOf } from '../pages.ts';
import type { CalendarAnswer, CalendarClient } from './calendar-client.ts';
import type { CalendarReader } from './calendar-reader.ts';
import { CalendarServer } from './calendar-server.ts';
import { type CalendarUser, calendarUsersOf, readCalendarUsers } from './calendar-users.ts';
import { CalendarError } from './errors.ts';
import { FollowedCalendar } from './followed-calendar.ts';

export interface CalendarsNeeds {
  readonly ids: Ids;
  readonly presenceDatastore: PresenceDatastore;
  readonly clock: Clock;
  readonly log: Log;
  readonly alarms: Alarms;
  readonly counters: EngineCounters;
  readonly configuration: () => EngineConfiguration;
  /** Opened when there is a calendar server, and closed when there is none. */
  readonly openClient: () => CalendarClient;
  readonly openReader: () => CalendarReader;
}

const TICK_MS = 1_000;
const DAY_MS = 24 * 60 * 60_000;
/** Entries are worked out so far ahead … */
const AHEAD_MS = 7 * DAY_MS;
/** … and anew, though the calendar is as it was, when no more than this is left. */
const LEFT_MS = 6 * DAY_MS;
/** Waits of one user's queries: while the server does not answer them, and while there is nothing in what it answers. */
const FIRST_USER_WAIT_MS = 5_000;
const MOST_AWAY_WAIT_MS = 5 * 60_000;
const MOST_USER_WAIT_MS = 60 * 60_000;

/** What runs while there is a calendar server. */
interface Running {
  readonly template: string;
  readonly server: CalendarServer;
  readonly client: CalendarClient;
  readonly reader: CalendarReader;
  readonly over: AbortController;
  readonly queries: Set<Promise<void>>;
  timer: Disposable | undefined;
}

/**
 * What the users' calendars say of them: one iCalendar feed a user, asked for again and again within the bounds of the
 * engine's parameters (docs/services/presence-engine.md). Without a gateway of that type nothing runs.
 */
export class Calendars {
  readonly #needs: CalendarsNeeds;
  /** By key of the user. */
  readonly #followed = new Map<string, FollowedCalendar>();
  #running: Running | undefined;
  /** One change of what is followed after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(needs: CalendarsNeeds) {
    this.#needs = needs;
  }

  /** Calendars that are followed. */
  get size(): number {
    return this.#followed.size;
  }

  /** The gateway may be another one: to be called at the start and with each configuration. */
  configure(): Promise<void> {
    return this.#inTurn(async () => {
      const { gateways } = this.#needs.configuration();
      const template = gateways.find(({ type }) => type === 'iCalendar')?.address;
      if (template === this.#running?.template) return;
      await this.#stop();
      if (template === undefined) {
        await this.#withdrawAll();
        return;
      }
      this.#start(template);
      await this.#settle(undefined);
    });
  }

  /** Of a batch of the change feed; answers a clause for its trace. */
  async apply(batch: FeedBatch): Promise<string> {
    let changed = 0;
    await this.#inTurn(async () => {
      if (this.#running === undefined) return;
      if (batch.kind === 'snapshot') changed = await this.#settle(undefined);
      else for (const page of pagesOf(calendarUsersOf(batch.changes))) changed += await this.#settle(page);
    });
    return changed === 0 ? '' : `${changed} ${changed === 1 ? 'calendar' : 'calendars'} looked at`;
  }

  /** What is said stays until its entries end. */
  close(): Promise<void> {
    return this.#inTurn(() => this.#stop());
  }

  async #inTurn(task: () => Promise<void>): Promise<void> {
    const run = this.#turn.then(task);
    this.#turn = run.catch(() => undefined);
    await run;
  }

  #start(template: string): void {
    const { clock, alarms, log, openClient, openReader } = this.#needs;
    const name = calendarServerOf(template);
    this.#running = {
      template,
      server: new CalendarServer(clock, alarms, name),
      client: openClient(),
      reader: openReader(),
      over: new AbortController(),
      queries: new Set(),
      timer: undefined,
    };
    this.#arm(this.#running);
    log.info({ server: name }, 'calendars are followed');
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.timer?.[Symbol.dispose]();
    running.over.abort(new Error('calendars are followed no more'));
    running.server.forget();
    await running.reader[Symbol.asyncDispose]();
    await Promise.all(running.queries);
    await running.client[Symbol.asyncDispose]();
    for (const each of this.#followed.values()) each.pause();
  }

  async #withdrawAll(): Promise<void> {
    for (const each of this.#followed.values()) await each.withdraw();
    this.#followed.clear();
    this.#needs.counters.activeCalendars.set(0);
  }

  /** @param pkids undefined: all; answers how many are other than they were */
  async #settle(pkids: readonly string[] | undefined): Promise<number> {
    const running = this.#running;
    if (running === undefined) return 0;
    const { ids, clock, configuration } = this.#needs;
    const users = await readCalendarUsers(ids.read, configuration().node.id, pkids);
    const wanted = new Map<string, { readonly user: CalendarUser; readonly url: string }>();
    for (const user of users) {
      const url = calendarUrlOf(running.template, user);
      if (url !== undefined) wanted.set(user.pkid, { user, url });
    }
    let changed = 0;
    for (const pkid of pkids ?? [...this.#followed.keys()]) {
      const known = this.#followed.get(pkid);
      if (known === undefined || isSame(known, wanted.get(pkid))) continue;
      this.#followed.delete(pkid);
      await known.withdraw();
      changed += 1;
    }
    const fresh = [...wanted.values()].filter(({ user }) => !this.#followed.has(user.pkid));
    // Those who come together are asked for one after the other.
    const spreadMs = configuration().parameters.calendarSpreadSeconds * 1_000;
    for (const [place, { user, url }] of fresh.entries()) {
      const dueAt = clock.monotonic() + Math.floor((place / fresh.length) * spreadMs);
      this.#followed.set(user.pkid, new FollowedCalendar(this.#followedNeeds(), user, url, dueAt));
    }
    this.#needs.counters.activeCalendars.set(this.#followed.size);
    return changed + fresh.length;
  }

  #followedNeeds(): ConstructorParameters<typeof FollowedCalendar>[0] {
    const { presenceDatastore, clock, log } = this.#needs;
    const onFailure = (error: unknown): void =>
      log.warn({ err: describeError(error) }, 'what a calendar says could not be published');
    return { presenceDatastore, clock, onFailure };
  }

  #arm(running: Running): void {
    running.timer = this.#needs.clock.schedule(TICK_MS, () => {
      this.#askDue(running);
      this.#arm(running);
    });
  }

  #askDue(running: Running): void {
    const { clock, configuration } = this.#needs;
    const { calendarThreads, calendarQueueLength, calendarStatusSeconds } = configuration().parameters;
    const now = clock.monotonic();
    const due = [...this.#followed.values()].filter(({ dueAt, isAsked }) => !isAsked && dueAt <= now);
    due.sort((a, b) => a.dueAt - b.dueAt);
    const room = running.server.room(running.queries.size, calendarThreads);
    for (const each of due.splice(0, Math.max(0, room))) this.#ask(running, each);
    // More wait than may: the last ones are left out this time.
    for (const each of due.slice(calendarQueueLength)) {
      each.dueAt = now + calendarStatusSeconds * 1_000;
      this.#needs.counters.calendarQueries.inc({ outcome: 'left-out' });
    }
  }

  #ask(running: Running, calendar: FollowedCalendar): void {
    calendar.isAsked = true;
    const query = this.#query(running, calendar)
      .catch((error: unknown) => {
        this.#needs.log.error({ err: error, user: calendar.user.userid }, 'a calendar could not be followed');
        this.#put(calendar, 'failed', true);
      })
      .finally(() => {
        calendar.isAsked = false;
        running.queries.delete(query);
        // The next one need not wait for the second to pass.
        if (!running.over.signal.aborted) this.#askDue(running);
      });
    running.queries.add(query);
  }

  async #query(running: Running, calendar: FollowedCalendar): Promise<void> {
    const { clock, configuration, log } = this.#needs;
    const { calendarTimeoutSeconds } = configuration().parameters;
    const now = clock.now();
    const validators = calendar.knownUntil - now > LEFT_MS ? calendar.validators : undefined;
    const { signal } = running.over;
    const answer = await running.client.fetch(calendar.url, validators, calendarTimeoutSeconds * 1_000, signal);
    if (signal.aborted) return;
    if (answer.kind === 'away') {
      calendar.failures += 1;
      const own = Math.min(FIRST_USER_WAIT_MS * 2 ** (calendar.failures - 1), MOST_AWAY_WAIT_MS);
      calendar.dueAt = clock.monotonic() + Math.max(own, running.server.failed(answer.reason, answer.retryMs));
      this.#needs.counters.calendarQueries.inc({ outcome: 'away' });
      return;
    }
    running.server.answered();
    const isGood = await this.#take(running, calendar, answer, now);
    if (signal.aborted) return;
    if (isGood !== true) log.debug({ user: calendar.user.userid, reason: isGood }, 'a calendar says nothing');
    this.#put(calendar, answer.kind === 'calendar' && isGood !== true ? 'bad' : answer.kind, isGood !== true);
  }

  /** True, or why there is nothing in it. */
  async #take(
    { reader, over }: Running,
    calendar: FollowedCalendar,
    answer: Exclude<CalendarAnswer, { kind: 'away' }>,
    now: number,
  ): Promise<true | string> {
    if (answer.kind === 'unchanged') {
      await calendar.settle();
      return true;
    }
    if (answer.kind === 'bad') return answer.reason;
    if (answer.kind === 'none') {
      calendar.forgetWhatIsKnown();
      await calendar.setEntries([]);
      return answer.reason;
    }
    const to = now + AHEAD_MS;
    try {
      const { entries } = await reader.read({ text: answer.text, from: now, to, mail: calendar.user.mail });
      if (over.signal.aborted) return 'it is followed no more';
      calendar.validators = answer.validators;
      calendar.knownUntil = to;
      await calendar.setEntries(entries);
      return true;
    } catch (error) {
      if (error instanceof CalendarError) return error.message;
      throw error;
    }
  }

  /** When it is asked for next: each period, and less and less often while it brings nothing. */
  #put(calendar: FollowedCalendar, outcome: string, isFailure: boolean): void {
    const { clock, configuration, counters } = this.#needs;
    const periodMs = configuration().parameters.calendarStatusSeconds * 1_000;
    calendar.failures = isFailure ? calendar.failures + 1 : 0;
    const wait = Math.min(periodMs * 2 ** calendar.failures, Math.max(periodMs, MOST_USER_WAIT_MS));
    calendar.dueAt = clock.monotonic() + wait;
    counters.calendarQueries.inc({ outcome });
  }
}

function isSame(
  { user, url }: FollowedCalendar,
  wanted: { readonly user: CalendarUser; readonly url: string } | undefined,
): boolean {
  return (
    wanted !== undefined &&
    url === wanted.url &&
    user.address === wanted.user.address &&
    user.mail === wanted.user.mail &&
    user.isSubjectVisible === wanted.user.isSubjectVisible
  );
}
