import { Worker } from 'node:worker_threads';
import { createTurns } from '../../../datastore/turns.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { CalendarQuestion, CalendarReading } from './calendar-entry.ts';
import type { CalendarThreadAnswer } from './calendar-thread.ts';
import { CalendarError } from './errors.ts';

/** Reads feeds beside everything else: some rules take for ever to work out, and anybody may write them. */
export interface CalendarReader extends AsyncDisposable {
  /** @throws CalendarError */
  read(question: CalendarQuestion): Promise<CalendarReading>;
}

/** Bounds of the thread, in MB. */
const MEMORY = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 } as const;

/** @param mostMs time for one feed; after it the thread is ended, and the next question gets a new one */
export function createCalendarReader(clock: Clock, mostMs: number): CalendarReader {
  const inTurn = createTurns();
  let thread: Worker | undefined;
  let isClosed = false;

  const start = (): Worker => {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const started = new Worker(new URL(`./calendar-thread.${extension}`, import.meta.url), { resourceLimits: MEMORY });
    started.unref();
    return started;
  };

  const ask = async (question: CalendarQuestion): Promise<CalendarReading> => {
    if (isClosed) throw new CalendarError('calendar.too-slow', 'its reader has ended');
    thread ??= start();
    const asked = thread;
    let answer: CalendarThreadAnswer;
    try {
      answer = await answerOf(asked, question);
    } catch (error) {
      thread = undefined;
      await asked.terminate();
      throw error;
    }
    if ('reading' in answer) return answer.reading;
    if (answer.isOurs) throw new Error(`a calendar could not be read: ${answer.refused}`);
    throw new CalendarError('calendar.unreadable', answer.refused);
  };

  const answerOf = (asked: Worker, question: CalendarQuestion): Promise<CalendarThreadAnswer> =>
    new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        timer[Symbol.dispose]();
        asked.off('message', onMessage);
        asked.off('error', onError);
        asked.off('exit', onExit);
        act();
      };
      const onMessage = (answer: CalendarThreadAnswer): void => settle(() => resolve(answer));
      // Out of memory is the feed's fault: the thread has nothing else to hold.
      const onError = (cause: Error): void =>
        settle(() => reject(new CalendarError('calendar.unreadable', 'it cannot be worked out', { cause })));
      const onExit = (): void => settle(() => reject(new CalendarError('calendar.too-slow', 'its reader has ended')));
      const timer = clock.schedule(mostMs, () =>
        settle(() => reject(new CalendarError('calendar.too-slow', 'it takes too long to work out'))),
      );
      asked.on('message', onMessage);
      asked.on('error', onError);
      asked.on('exit', onExit);
      asked.postMessage(question);
    });

  return {
    read: (question) => inTurn('', () => ask(question)),
    async [Symbol.asyncDispose]() {
      isClosed = true;
      const ended = thread;
      thread = undefined;
      await ended?.terminate();
    },
  };
}
