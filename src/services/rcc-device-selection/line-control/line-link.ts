import type { Alarms } from '../../../platform/alarms.ts';
import { type Clock, sleep } from '../../../platform/clock.ts';
import { describeError } from '../../../platform/errors.ts';
import type { Log } from '../../../platform/log.ts';
import { createScope } from '../../../platform/scope.ts';
import { RCC_SERVICE } from '../names.ts';
import type { LineControl } from './line-control.ts';

export interface LineLinkNeeds {
  readonly lineControl: LineControl;
  readonly clock: Clock;
  readonly log: Log;
  readonly alarms: Alarms;
  readonly retryMs: number;
}

/** The connection to line control, kept up: tried again after it failed or was lost, with the product's alarms. */
export interface LineLink {
  readonly isUp: boolean;
  /** Resolves when it was tried once, whatever came of it. */
  readonly firstAttempt: Promise<void>;
  onLost(listener: () => void): void;
  /** Runs until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

const DOWN = 'CTIGWProviderDown';
const FAILED = 'CTIGWProviderFailedToOpen';

export function createLineLink({ lineControl, clock, log, alarms, retryMs }: LineLinkNeeds): LineLink {
  const { promise: firstAttempt, resolve: hasTried } = Promise.withResolvers<void>();
  const listeners = new Set<() => void>();
  let isUp = false;

  /** One connection: resolves when it is lost or the signal is aborted. */
  const connect = async (signal: AbortSignal): Promise<void> => {
    const lost = Promise.withResolvers<void>();
    await using scope = disposable(createScope(clock, () => lost.resolve()));
    using _state = lineControl.onState((state) => {
      if (state === 'down') lost.resolve();
    });
    await lineControl.open(scope.value);
    isUp = true;
    alarms.clear(RCC_SERVICE, FAILED);
    alarms.clear(RCC_SERVICE, DOWN);
    log.info({ lineControl: lineControl.name }, 'line control is connected');
    hasTried();
    signal.addEventListener('abort', () => lost.resolve(), { once: true });
    if (signal.aborted) lost.resolve();
    await lost.promise;
    isUp = false;
    if (signal.aborted) return;
    alarms.raise(RCC_SERVICE, DOWN, 2, `the ${lineControl.name} is not connected`);
    for (const listener of listeners) listener();
  };

  return {
    get isUp() {
      return isUp;
    },
    firstAttempt,
    onLost: (listener) => void listeners.add(listener),
    async run(signal) {
      while (!signal.aborted) {
        try {
          await connect(signal);
        } catch (error) {
          if (signal.aborted) return;
          alarms.raise(RCC_SERVICE, FAILED, 2, `the ${lineControl.name} cannot be opened: ${describeError(error)}`);
        }
        hasTried();
        if (signal.aborted) return;
        await sleep(clock, retryMs, signal).catch(() => undefined);
      }
    },
  };
}

function disposable<T extends { close(): Promise<void> }>(value: T): AsyncDisposable & { readonly value: T } {
  return { value, [Symbol.asyncDispose]: () => value.close() };
}
