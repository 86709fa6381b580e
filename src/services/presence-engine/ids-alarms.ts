import { IdsError } from '../../ids/errors.ts';
import type { Alarms } from '../../platform/alarms.ts';
import { describeError } from '../../platform/errors.ts';
import { ENGINE_SERVICE } from './names.ts';

const ALARM = {
  copy: 'PEIDStoIMDBDatabaseSyncError',
  follow: 'PEIDSSubscribeError',
  query: 'PEIDSQueryError',
} as const;

/** The product's alarms for an IDS that the engine cannot read; each ends when it can again. */
export interface IdsAlarms {
  /** Runs what brings users and phones from the IDS into the datastore. */
  copying<T>(task: () => Promise<T>): Promise<T>;
  /** Runs what hears of changes of the IDS, for as long as the engine runs. */
  following(task: () => Promise<void>): Promise<void>;
  /** A query of the engine's came to this; other errors than the IDS's are none of ours. */
  queried(error?: unknown): void;
  clear(): void;
}

export function createIdsAlarms(alarms: Alarms): IdsAlarms {
  const raise = (name: keyof typeof ALARM, what: string, error: unknown): void =>
    alarms.raise(ENGINE_SERVICE, ALARM[name], 2, `${what}: ${describeError(error)}`);
  const clear = (name: keyof typeof ALARM): void => alarms.clear(ENGINE_SERVICE, ALARM[name]);
  return {
    async copying(task) {
      try {
        const done = await task();
        clear('copy');
        return done;
      } catch (error) {
        raise('copy', 'what the IDS says of users and phones could not be brought into the datastore', error);
        throw error;
      }
    },
    async following(task) {
      try {
        clear('follow');
        await task();
      } catch (error) {
        raise('follow', 'changes of the IDS are not heard of', error);
        throw error;
      }
    },
    queried(error) {
      if (error === undefined) clear('query');
      else if (error instanceof IdsError) raise('query', 'the IDS could not be read', error);
    },
    clear() {
      clear('copy');
      clear('query');
    },
  };
}
