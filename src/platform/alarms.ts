import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

/** Syslog severities (RFC 5424 6.2.1): 1 alert … 6 informational. */
export type AlarmSeverity = 1 | 2 | 3 | 4 | 5 | 6;

export interface Alarm {
  /** The product's name: `SyncAgentAXLConnectionFailed`. */
  readonly name: string;
  /** The service that raised it, by folder name. */
  readonly service: string;
  readonly severity: AlarmSeverity;
  readonly message: string;
  readonly raisedAt: number;
  readonly lastAt: number;
  /** How often the cause was seen since it was raised. */
  readonly count: number;
  readonly clearedAt: number | null;
}

/** An alarm was raised, or has ended; a repeat is neither. */
export interface AlarmEvent {
  readonly kind: 'raised' | 'cleared';
  readonly at: number;
  readonly alarm: Alarm;
}

/** Raised once per cause, repeats are counted, and every raised alarm has a way to clear (one that ends is kept for a while). */
export interface Alarms {
  raise(service: string, name: string, severity: AlarmSeverity, message: string): void;
  /** Ends the alarm; nothing happens when it is not raised. */
  clear(service: string, name: string): void;
  /** Hears each event as it happens. */
  onEvent(listener: (event: AlarmEvent) => void): Disposable;
  active(): readonly Alarm[];
  /** The last cleared ones, newest first. */
  history(): readonly Alarm[];
}

const HISTORY_LENGTH = 200;

export function createAlarms(clock: Clock, log: Log): Alarms {
  const active = new Map<string, Alarm>();
  const history: Alarm[] = [];
  const listeners = new Set<(event: AlarmEvent) => void>();
  const tell = (kind: AlarmEvent['kind'], alarm: Alarm): void => {
    for (const listener of listeners) listener({ kind, at: clock.now(), alarm });
  };
  return {
    raise(service, name, severity, message) {
      const key = `${service}/${name}`;
      const known = active.get(key);
      const now = clock.now();
      if (known) {
        active.set(key, { ...known, message, lastAt: now, count: known.count + 1 });
        return;
      }
      const alarm: Alarm = { name, service, severity, message, raisedAt: now, lastAt: now, count: 1, clearedAt: null };
      active.set(key, alarm);
      log.warn({ alarm: name, service, severity, detail: message }, 'alarm raised');
      tell('raised', alarm);
    },
    clear(service, name) {
      const key = `${service}/${name}`;
      const known = active.get(key);
      if (!known) return;
      active.delete(key);
      const cleared = { ...known, clearedAt: clock.now() };
      history.unshift(cleared);
      history.length = Math.min(history.length, HISTORY_LENGTH);
      log.info({ alarm: name, service }, 'alarm cleared');
      tell('cleared', cleared);
    },
    onEvent(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    active: () => [...active.values()],
    history: () => history,
  };
}
