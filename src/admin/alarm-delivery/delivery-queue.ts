import type { AlarmEvent, Alarms } from '../../platform/alarms.ts';
import { type Clock, sleep } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';

export interface DeliveryQueue extends AsyncDisposable {
  push(event: AlarmEvent): void;
}

export interface DeliveryNeeds {
  /** Where events go, for logs and metrics: `syslog udp 192.0.2.1:514`. */
  readonly target: string;
  /** Resolves when the event was taken. */
  readonly send: (event: AlarmEvent, signal: AbortSignal) => Promise<void>;
  readonly alarms: Alarms;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const MOST_WAITING = 1_000;
/** Pauses after a failure; the last one repeats. */
const BACK_OFF_MS = [1_000, 5_000, 15_000, 60_000];
/** Failures in a row after which a person hears of it. */
const FAILURES_TOLD = 3;
const SERVICE = 'admin';

/** One event after the other, each until it was taken. When too many wait the oldest go, and are counted. */
export function createDeliveryQueue({ target, send, alarms, clock, log, metrics }: DeliveryNeeds): DeliveryQueue {
  const waiting: AlarmEvent[] = [];
  const ending = new AbortController();
  const results = metrics.counter('imp_alarm_events_total', 'Alarm events by what became of them', [
    'target',
    'result',
  ]);
  const name = `AlarmDeliveryFailed ${target}`;
  let wake: () => void = () => undefined;

  const deliver = async (event: AlarmEvent): Promise<void> => {
    for (let failures = 0; ; ) {
      try {
        await send(event, ending.signal);
        results.labels(target, 'delivered').inc();
        alarms.clear(SERVICE, name);
        return;
      } catch (error) {
        ending.signal.throwIfAborted();
        failures += 1;
        log.warn({ target, failures, err: describeError(error) }, 'an alarm event could not be delivered');
        if (failures === FAILURES_TOLD) alarms.raise(SERVICE, name, 4, `${target}: ${describeError(error)}`);
        await sleep(clock, BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length) - 1] ?? 0, ending.signal);
      }
    }
  };

  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const event = waiting.shift();
      if (event) await deliver(event);
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  };
  const running = run().catch((error: unknown) => {
    if (!ending.signal.aborted) log.error({ target, err: describeError(error) }, 'alarm delivery has ended');
  });

  return {
    push(event) {
      // What is said of this very delivery would only queue up behind it.
      if (event.alarm.name === name) return;
      waiting.push(event);
      if (waiting.length > MOST_WAITING) {
        waiting.shift();
        results.labels(target, 'dropped').inc();
      }
      wake();
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      wake();
      await running;
    },
  };
}
