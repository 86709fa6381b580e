import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

export type NotificationSeverity = 'high' | 'medium' | 'low';

/** Something that waits for a person: a restart that a change needs, a start that is held back. */
export interface Notification {
  readonly id: number;
  /** The service it is about, by folder name. */
  readonly service: string;
  readonly severity: NotificationSeverity;
  /** What happened, and what a person is to do: one or two sentences. */
  readonly text: string;
  readonly raisedAt: number;
  readonly clearedAt: number | null;
  /** `restart`, `reverted`, `complete` …; '' while it stands. */
  readonly clearedBy: string;
}

export interface NotificationCause {
  readonly service: string;
  /** The same cause of the same service is one notification: `restart:listeners`. */
  readonly cause: string;
  readonly severity: NotificationSeverity;
  readonly text: string;
}

/**
 * Notifications of a node. They live in memory: a node that starts anew starts its services anew, which is what most of
 * them ask for.
 */
export interface Notifications {
  /** Nothing happens when the same cause stands already, but for a new text. */
  raise(cause: NotificationCause): void;
  /** Ends those of a service whose cause is `cause`, or begins with it when it ends in `*`; answers how many. */
  clear(service: string, cause: string, clearedBy: string): number;
  active(): readonly Notification[];
  /** The last cleared ones, newest first. */
  history(): readonly Notification[];
}

const HISTORY_LENGTH = 200;

export function createNotifications(clock: Clock, log: Log): Notifications {
  const active = new Map<string, { cause: string; notification: Notification }>();
  const history: Notification[] = [];
  let last = 0;
  return {
    raise({ service, cause, severity, text }) {
      const key = `${service}\u0000${cause}`;
      const known = active.get(key);
      if (known) {
        active.set(key, { cause, notification: { ...known.notification, severity, text } });
        return;
      }
      last += 1;
      const notification = { id: last, service, severity, text, raisedAt: clock.now(), clearedAt: null, clearedBy: '' };
      active.set(key, { cause, notification });
      log.info({ service, severity, detail: text }, 'notification raised');
    },
    clear(service, cause, clearedBy) {
      const isMeant = (each: string): boolean =>
        cause.endsWith('*') ? each.startsWith(cause.slice(0, -1)) : each === cause;
      let cleared = 0;
      for (const [key, { cause: own, notification }] of active) {
        if (notification.service !== service || !isMeant(own)) continue;
        active.delete(key);
        history.unshift({ ...notification, clearedAt: clock.now(), clearedBy });
        cleared += 1;
        log.info({ service, detail: notification.text, clearedBy }, 'notification cleared');
      }
      history.length = Math.min(history.length, HISTORY_LENGTH);
      return cleared;
    },
    active: () => [...active.values()].map(({ notification }) => notification),
    history: () => history,
  };
}
