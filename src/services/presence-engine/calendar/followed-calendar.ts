import { NOBODY } from '../../../pidf/pidf.ts';
import type { Clock } from '../../../platform/clock.ts';
import { PRESENCE_EVENT, type Publication } from '../../../presence/publication.ts';
import type { PresenceDatastore } from '../../presence-datastore/presence-datastore.ts';
import type { Validators } from './calendar-client.ts';
import type { CalendarEntry } from './calendar-entry.ts';
import type { CalendarUser } from './calendar-users.ts';

/** Entries of one user that count at one moment. */
const MOST_AT_ONCE = 20;
const ACTIVITIES: Readonly<Record<CalendarEntry['kind'], readonly string[]>> = {
  meeting: ['busy', 'meeting'],
  'out-of-office': ['vacation'],
};

export interface FollowedCalendarNeeds {
  readonly presenceDatastore: PresenceDatastore;
  readonly clock: Clock;
  /** Told of what could not be published; it is tried again with the next query. */
  readonly onFailure: (error: unknown) => void;
}

/** One user's calendar: what was read of it, and what of that stands in the Presence Datastore now. */
export class FollowedCalendar {
  readonly user: CalendarUser;
  readonly url: string;
  /** When it is asked for next, by the monotonic clock. */
  dueAt: number;
  /** Queries in a row that brought nothing. */
  failures = 0;
  isAsked = false;
  validators: Validators | undefined;
  /** Until when the entries are known, by the machine's clock. */
  knownUntil = 0;
  readonly #needs: FollowedCalendarNeeds;
  readonly #published = new Map<string, Publication>();
  #entries: readonly CalendarEntry[] = [];
  #turn: Promise<void> = Promise.resolve();
  #timer: Disposable | undefined;

  constructor(needs: FollowedCalendarNeeds, user: CalendarUser, url: string, dueAt: number) {
    this.#needs = needs;
    this.user = user;
    this.url = url;
    this.dueAt = dueAt;
  }

  /** What has been read, in place of what was. */
  async setEntries(entries: readonly CalendarEntry[]): Promise<void> {
    this.#entries = entries;
    await this.settle();
  }

  /** Publishes what holds now, takes back what does not, and wakes for the next entry. */
  settle(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#settle()).catch(this.#needs.onFailure);
    return this.#turn;
  }

  /** Says nothing more. */
  async withdraw(): Promise<void> {
    await this.setEntries([]);
  }

  /** Wakes no more by itself; what is said stays until its entries end. */
  pause(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.dueAt = 0;
  }

  /** The next query asks for the whole. */
  forgetWhatIsKnown(): void {
    this.validators = undefined;
    this.knownUntil = 0;
  }

  async #settle(): Promise<void> {
    const { presenceDatastore, clock } = this.#needs;
    const now = clock.now();
    const current = this.#entries.filter(({ startsAt, endsAt }) => startsAt <= now && now < endsAt);
    const wanted = new Map(current.slice(-MOST_AT_ONCE).map((entry) => [entry.id, entry]));
    this.#wakeAt(this.#entries.find(({ startsAt }) => startsAt > now)?.startsAt);
    for (const [id, { presentity, source }] of this.#published) {
      if (wanted.has(id)) continue;
      await presenceDatastore.unpublish(presentity, PRESENCE_EVENT, source);
      this.#published.delete(id);
    }
    // Said again each time: an entry may have become longer, and a store may have lost it.
    for (const [id, entry] of wanted) {
      const publication = publicationOf(this.user, entry);
      await presenceDatastore.publish(publication, entry.endsAt - now);
      this.#published.set(id, publication);
    }
  }

  #wakeAt(at: number | undefined): void {
    this.#timer?.[Symbol.dispose]();
    const { clock } = this.#needs;
    this.#timer = at === undefined ? undefined : clock.schedule(at - clock.now(), () => void this.settle());
  }
}

function publicationOf({ address, isSubjectVisible }: CalendarUser, entry: CalendarEntry): Publication {
  return {
    presentity: address,
    event: PRESENCE_EVENT,
    source: `calendar/${entry.id}`,
    kind: 'calendar',
    sessionId: '',
    document: {
      entity: `sip:${address}`,
      person: {
        ...NOBODY,
        id: address.slice(0, address.lastIndexOf('@')),
        activities: ACTIVITIES[entry.kind],
        note: isSubjectVisible ? entry.subject : '',
      },
      tuples: [],
    },
    publishedAt: entry.startsAt,
  };
}
