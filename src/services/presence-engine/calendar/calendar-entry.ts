/** A time in which a user's calendar says something. Times are milliseconds since the epoch. */
export interface CalendarEntry {
  /** Names it among the user's: the same for the same occurrence whenever it is read. */
  readonly id: string;
  readonly kind: 'meeting' | 'out-of-office';
  readonly startsAt: number;
  readonly endsAt: number;
  /** What it is about; '' when not told, or private. */
  readonly subject: string;
}

export interface CalendarQuestion {
  /** The feed: iCalendar (RFC 5545). */
  readonly text: string;
  /** Entries that touch this time are wanted. */
  readonly from: number;
  readonly to: number;
  /** The user's mail address, in lower case, to know what the user has declined; '' when there is none. */
  readonly mail: string;
}

export interface CalendarReading {
  /** By their begin. */
  readonly entries: readonly CalendarEntry[];
  /** Components that could not be read, and were left out. */
  readonly skipped: number;
}
