import type { Alarms } from './alarms.ts';
import { type Clock, sleep } from './clock.ts';
import { describeError, ImpError } from './errors.ts';
import type { Log } from './log.ts';
import { createScope, type OwnedScope } from './scope.ts';
import type { Service, ServiceDescriptor, ServiceReason, ServiceState, ServiceStatus } from './service.ts';

/** What a managed service asks of its surroundings. */
export interface ManagedNeeds {
  readonly clock: Clock;
  readonly log: Log;
  readonly alarms: Alarms;
  readonly isActivated: () => boolean;
  /** What the service still waits for before it may start, as a clause; null when nothing holds it. */
  readonly obstacle: () => string | null;
  /** Called at every change of state; others may wait for it. */
  readonly onChange: () => void;
}

/** Pauses before the attempts after a failure; the last one repeats (docs/services/supervisor.md). */
const BACK_OFF_MS = [1_000, 5_000, 15_000, 30_000];
const MAX_FAILURES = 5;
const FAILURE_WINDOW_MS = 5 * 60_000;
/** A service that cannot be closed within this is left behind with an error in the log. */
const STOP_TIMEOUT_MS = 15_000;

const NO_REASON: ServiceReason = { code: 'None', text: '' };

/** One service between its declaration and the administrator: started, watched, restarted after a failure, stopped. */
export interface ManagedService {
  readonly descriptor: ServiceDescriptor<unknown>;
  status(): ServiceStatus;
  readonly state: ServiceState;
  /** Whether somebody wants it up: it runs, waits, or is between two attempts. */
  readonly isWanted: boolean;
  /** Begins to start; returns at once. @throws ImpError `conflict` when not activated or still stopping. */
  start(by: string): void;
  /** Resolves when it is down. Nothing happens when it is. */
  stop(by: string, reason: ServiceReason): Promise<void>;
  /** Looks again whether the obstacle is gone. */
  poke(): void;
}

export function createManagedService(
  descriptor: ServiceDescriptor<unknown>,
  service: Service,
  needs: ManagedNeeds,
): ManagedService {
  const log = needs.log.child({ subsystem: descriptor.name });
  let state: ServiceState = 'Stopped';
  let reason: ServiceReason = NO_REASON;
  let changedBy = 'node';
  let startedAt: number | null = null;
  let startedAtMonotonic = 0;
  let waitingFor: string | null = null;
  let waitingSince: number | null = null;
  let restartCount = 0;
  let stopping: AbortController | undefined;
  let life: Promise<void> = Promise.resolve();
  let wake: (() => void) | undefined;

  const become = (next: ServiceState, why: ServiceReason): void => {
    state = next;
    reason = why;
    if (next !== 'Started') startedAt = null;
    if (next !== 'Starting') {
      waitingFor = null;
      waitingSince = null;
    }
    needs.onChange();
  };

  const untilUnobstructed = async (signal: AbortSignal): Promise<void> => {
    for (;;) {
      const obstacle = needs.obstacle();
      if (obstacle === null) {
        waitingFor = null;
        waitingSince = null;
        return;
      }
      if (obstacle !== waitingFor) {
        waitingFor = obstacle;
        waitingSince ??= needs.clock.now();
        become('Starting', { code: 'Waiting', text: `waiting for ${obstacle}` });
        log.debug({ waitingFor: obstacle }, 'service waits');
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      signal.throwIfAborted();
    }
  };

  const close = async (scope: OwnedScope): Promise<void> => {
    const giveUp = new AbortController();
    await Promise.race([
      scope
        .close()
        .catch((error: unknown) => log.error({ err: describeError(error) }, 'service did not close cleanly')),
      sleep(needs.clock, STOP_TIMEOUT_MS, giveUp.signal).then(
        () => log.error('service did not stop in time and was left behind'),
        () => undefined,
      ),
    ]);
    giveUp.abort();
  };

  /** One attempt: resolves when the signal ends it, rejects when the service fails. */
  const runOnce = async (signal: AbortSignal): Promise<void> => {
    await untilUnobstructed(signal);
    become('Starting', NO_REASON);
    let fail: (error: unknown) => void = () => undefined;
    const failed = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    failed.catch(() => undefined);
    const scope = createScope(needs.clock, (error) => fail(error));
    try {
      const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      await Promise.race([service.start(scope), failed, ended]);
      if (signal.aborted) return;
      startedAt = needs.clock.now();
      startedAtMonotonic = needs.clock.monotonic();
      become('Started', NO_REASON);
      needs.alarms.clear(descriptor.name, 'ServiceExceededMaxRestarts');
      log.info('service started');
      await Promise.race([failed, ended]);
    } finally {
      await close(scope);
    }
  };

  const live = async (signal: AbortSignal): Promise<void> => {
    let failures: number[] = [];
    for (;;) {
      try {
        await runOnce(signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const now = needs.clock.monotonic();
        failures = [...failures.filter((at) => now - at < FAILURE_WINDOW_MS), now];
        const sentence = describeError(error);
        log.error({ err: sentence, stack: error instanceof Error ? error.stack : undefined }, 'service failed');
        if (failures.length >= MAX_FAILURES) {
          become('Stopped', {
            code: 'Component is not running',
            text: `gave up after ${failures.length} failures: ${sentence}`,
          });
          changedBy = 'supervisor';
          needs.alarms.raise(descriptor.name, 'ServiceExceededMaxRestarts', 3, `${descriptor.title}: ${sentence}`);
          return;
        }
        const pause = BACK_OFF_MS[Math.min(failures.length, BACK_OFF_MS.length) - 1] as number;
        restartCount += 1;
        changedBy = 'supervisor';
        become('Starting', { code: 'Component is not running', text: `${sentence}; next try in ${pause / 1000} s` });
        try {
          await sleep(needs.clock, pause, signal);
        } catch {
          return;
        }
      }
    }
  };

  return {
    descriptor,
    get state() {
      return state;
    },
    get isWanted() {
      return stopping !== undefined && state !== 'Stopping' && state !== 'Stopped';
    },
    start(by) {
      if (!needs.isActivated()) {
        throw new ImpError('conflict', 'service.not-activated', `${descriptor.title} is not activated`);
      }
      if (state === 'Stopping') {
        throw new ImpError('conflict', 'service.stopping', `${descriptor.title} is still stopping`);
      }
      if (state === 'Started' || state === 'Starting') return;
      changedBy = by;
      const controller = new AbortController();
      stopping = controller;
      become('Starting', NO_REASON);
      life = live(controller.signal);
    },
    async stop(by, why) {
      if (state === 'Stopped') {
        // A stopped service that is commanded out of service says so from now on.
        if (reason.code !== why.code) {
          changedBy = by;
          become('Stopped', why);
        }
        return;
      }
      if (state !== 'Stopping') {
        changedBy = by;
        become('Stopping', why);
        stopping?.abort(new Error('the service is stopping'));
      }
      await life;
      if (state !== 'Stopping') return;
      stopping = undefined;
      become('Stopped', why);
      log.info({ by }, 'service stopped');
    },
    poke() {
      wake?.();
    },
    status() {
      const isActivated = needs.isActivated();
      const isStarted = state === 'Started';
      return {
        name: descriptor.name,
        title: descriptor.title,
        kind: descriptor.kind,
        isXcp: descriptor.isXcp,
        dependsOn: descriptor.dependsOn,
        purpose: descriptor.purpose,
        state,
        reason: isActivated
          ? reason
          : { code: 'Service Not Activated', text: `activate it with: imp service activate ${descriptor.name}` },
        isActivated,
        startedAt,
        upTimeSeconds: isStarted ? Math.floor((needs.clock.monotonic() - startedAtMonotonic) / 1000) : 0,
        waitingFor,
        waitingSince,
        changedBy,
        restartCount,
        // One that is starting may wait for something of its own, and says so.
        detail: isStarted || (state === 'Starting' && reason.code === 'None') ? service.detail() : '',
      };
    },
  };
}
