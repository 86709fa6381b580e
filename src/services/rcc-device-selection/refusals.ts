import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { RCC_SERVICE } from './names.ts';

const ALARMS = {
  'not-licensed': 'CTIGWUserNotLicenced',
  'not-authorized': 'CTIGWUserNotAuthorized',
} as const;

export type RefusalCause = keyof typeof ALARMS;

/** A refusal that is older says nothing of now. */
const KEPT_MS = 60 * 60 * 1000;
const MAX_KEPT = 1_000;

/** Who was refused, so that the alarms end: when all of them have signed in, or an hour after the last refusal. */
export interface Refusals {
  add(cause: RefusalCause, userid: string, message: string): void;
  /** The user has signed in. */
  forgive(userid: string): void;
  /** Forgets what is old; to be called now and then. */
  tick(): void;
  clear(): void;
}

export function createRefusals(alarms: Alarms, clock: Clock): Refusals {
  const refused: Readonly<Record<RefusalCause, Map<string, number>>> = {
    'not-licensed': new Map(),
    'not-authorized': new Map(),
  };
  const causes = Object.keys(ALARMS) as RefusalCause[];

  const forget = (cause: RefusalCause, isOver: (userid: string, at: number) => boolean): void => {
    const users = refused[cause];
    if (users.size === 0) return;
    for (const [userid, at] of users) if (isOver(userid, at)) users.delete(userid);
    if (users.size === 0) alarms.clear(RCC_SERVICE, ALARMS[cause]);
  };

  return {
    add(cause, userid, message) {
      const users = refused[cause];
      users.delete(userid);
      const [oldest] = users.keys();
      if (users.size >= MAX_KEPT && oldest !== undefined) users.delete(oldest);
      users.set(userid, clock.monotonic());
      alarms.raise(RCC_SERVICE, ALARMS[cause], 4, message);
    },
    forgive(userid) {
      for (const cause of causes) forget(cause, (each) => each === userid);
    },
    tick() {
      const before = clock.monotonic() - KEPT_MS;
      for (const cause of causes) forget(cause, (_userid, at) => at <= before);
    },
    clear() {
      for (const cause of causes) forget(cause, () => true);
    },
  };
}
