import type { Alarms } from '../../../platform/alarms.ts';
import type { Clock } from '../../../platform/clock.ts';
import { ENGINE_SERVICE } from '../names.ts';

const ALARM = 'PECalendarConnectionLoss';
/** Failures in a row, of whatever users, after which it is the server that is away. */
const FAILURES = 3;
const FIRST_RETRY_MS = 5_000;
const MOST_RETRY_MS = 5 * 60_000;
const MOST_ASKED_MS = 60 * 60_000;

/** Whether the calendar server is there. While it is away one query at a time finds out, less and less often. */
export class CalendarServer {
  readonly #clock: Clock;
  readonly #alarms: Alarms;
  readonly #name: string;
  #failures = 0;
  #retryAt = 0;

  /** @param name what may be shown of it */
  constructor(clock: Clock, alarms: Alarms, name: string) {
    this.#clock = clock;
    this.#alarms = alarms;
    this.#name = name;
  }

  get isAway(): boolean {
    return this.#failures >= FAILURES;
  }

  /** Queries that may begin now. @param running those that have */
  room(running: number, most: number): number {
    if (!this.isAway) return most - running;
    return running === 0 && this.#clock.monotonic() >= this.#retryAt ? 1 : 0;
  }

  answered(): void {
    this.#failures = 0;
    this.#alarms.clear(ENGINE_SERVICE, ALARM);
  }

  /** Answers when the query is worth another try, in milliseconds. @param askedMs what the server asked for */
  failed(reason: string, askedMs: number | null): number {
    this.#failures += 1;
    const wait = Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), MOST_RETRY_MS);
    const retryMs = Math.max(wait, Math.min(askedMs ?? 0, MOST_ASKED_MS));
    this.#retryAt = this.#clock.monotonic() + retryMs;
    if (this.isAway) {
      const message = `the calendar server ${this.#name} cannot be reached: ${reason}; next query in ${Math.round(retryMs / 1_000)} s`;
      this.#alarms.raise(ENGINE_SERVICE, ALARM, 3, message);
    }
    return retryMs;
  }

  /** It is asked no more. */
  forget(): void {
    this.#alarms.clear(ENGINE_SERVICE, ALARM);
  }
}
