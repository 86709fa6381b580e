/** The thread in which feeds are read: started by `createCalendarReader`, a question and an answer at a time. */
import { parentPort } from 'node:worker_threads';
import { describeError } from '../../../platform/errors.ts';
import type { CalendarQuestion, CalendarReading } from './calendar-entry.ts';
import { CalendarError } from './errors.ts';
import { readCalendar } from './read-calendar.ts';

export type CalendarThreadAnswer =
  | { readonly reading: CalendarReading }
  /** `isOurs`: a fault of the reader's, not of the feed's. */
  | { readonly refused: string; readonly isOurs: boolean };

parentPort?.on('message', (question: CalendarQuestion) => {
  let answer: CalendarThreadAnswer;
  try {
    answer = { reading: readCalendar(question) };
  } catch (error) {
    answer = { refused: describeError(error), isOurs: !(error instanceof CalendarError) };
  }
  parentPort?.postMessage(answer);
});
