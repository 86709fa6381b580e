import type { Notifications } from '../platform/notifications.ts';
import type { Supervisor } from '../platform/supervisor.ts';

/** A change that a service takes only at its next start. */
export interface RestartCause {
  readonly service: string;
  /** `parameter imAddressScheme`: the same cause again is the same notification. */
  readonly cause: string;
  readonly before: string;
  readonly after: string;
  /** What a person reads. */
  readonly text: string;
}

/**
 * Tells a person which services have to be restarted for what was changed. A notification ends when the service has
 * started after it was raised, or when the change is taken back before (docs/administration.md).
 */
export interface RestartNotices extends Disposable {
  needed(cause: RestartCause): void;
}

export function createRestartNotices(needs: {
  readonly supervisor: Supervisor;
  readonly notifications: Notifications;
}): RestartNotices {
  const { supervisor, notifications } = needs;
  /** What each service runs with, by service and cause: the value before the first change since its start. */
  const running = new Map<
    string,
    { readonly service: string; readonly value: string; readonly startedAt: number | null }
  >();

  const startOf = (service: string): number | null =>
    supervisor.status().find((each) => each.name === service)?.startedAt ?? null;

  const forget = (): void => {
    for (const [key, { service, startedAt }] of running) {
      const now = startOf(service);
      if (now === null || now === startedAt) continue;
      running.delete(key);
      notifications.clear(service, 'restart:*', 'restart');
    }
  };
  const watching = supervisor.onChange(forget);

  return {
    needed({ service, cause, before, after, text }) {
      const startedAt = startOf(service);
      // One that is not running takes what is there when it starts.
      if (startedAt === null) return;
      const key = `${service}\u0000${cause}`;
      const known = running.get(key) ?? { service, value: before, startedAt };
      if (known.value === after) {
        running.delete(key);
        notifications.clear(service, `restart:${cause}`, 'reverted');
        return;
      }
      running.set(key, known);
      notifications.raise({ service, cause: `restart:${cause}`, severity: 'medium', text });
    },
    [Symbol.dispose]: () => watching[Symbol.dispose](),
  };
}
