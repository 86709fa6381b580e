import type { Response } from 'express';
import type { Clock } from '../../platform/clock.ts';
import type { LiveEvents } from './events.ts';
import type { Topic } from './page.ts';

export interface EventStream {
  readonly events: LiveEvents;
  readonly topics: readonly Topic[];
  /** Of the page that listens. */
  readonly mark: string;
  readonly clock: Clock;
  /** Asked now and then: a session that has ended hears nothing more. */
  readonly isStillIn: () => Promise<boolean>;
}

const HEARTBEAT_MS = 15_000;
const MOST_WAITING_BYTES = 16 * 1024;
/** What a browser waits before it connects again. */
const RETRY_MS = 2_000;

/** Server-sent events (WHATWG HTML 9.2): one without data worth reading for each topic that has changed. */
export function streamEvents(response: Response, { events, topics, mark, clock, isStillIn }: EventStream): void {
  const subscription = events.subscribe(topics, mark, (topic) => {
    // A reader that takes nothing is cut; when it comes back its mark says what it has missed.
    if (response.writableLength > MOST_WAITING_BYTES) response.destroy();
    else response.write(`event: ${topic}\ndata: 1\n\n`);
  });
  if (!subscription) {
    response.status(503).set('retry-after', '10').end();
    return;
  }
  response.status(200).set({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(`retry: ${RETRY_MS}\n\n`);
  let beat: Disposable | undefined;
  const next = (): void => {
    beat = clock.schedule(HEARTBEAT_MS, () => {
      isStillIn().then(
        (isIn) => {
          if (!isIn) response.end();
          else {
            response.write(': still here\n\n');
            next();
          }
        },
        () => response.end(),
      );
    });
  };
  next();
  response.on('close', () => {
    beat?.[Symbol.dispose]();
    subscription[Symbol.dispose]();
  });
}
