import { readFile } from 'node:fs/promises';
import type { FeedBatch } from '../../../ids/change-feed.ts';
import type { WatchedTable } from '../../../ids/database.ts';
import { ImpError } from '../../../platform/errors.ts';
import type { Scope } from '../../../platform/service.ts';
import { STANDING_PUBLICATION } from '../../../presence/publication.ts';
import { createCalendarClient } from '../calendar/calendar-client.ts';
import { createCalendarReader } from '../calendar/calendar-reader.ts';
import { CALENDAR_TABLES } from '../calendar/calendar-users.ts';
import { Calendars, type CalendarsNeeds } from '../calendar/calendars.ts';
import type { PresenceEngineOptions } from '../options.ts';
import { PHONE_TABLES, PhoneState } from './phone-state.ts';

export interface SourcesNeeds extends Omit<CalendarsNeeds, 'openClient' | 'openReader'> {
  readonly onConfiguration: (listener: () => void) => Disposable;
  /** PEM of the node's own authority. */
  readonly ca: string;
}

/** Tables by which it changes what the engine itself publishes of users. */
export const SOURCE_TABLES: readonly WatchedTable[] = [...new Set([...PHONE_TABLES, ...CALENDAR_TABLES])];

/** What the engine itself learns of users, beside what clients publish: from phones and calendars. */
export interface Sources {
  open(scope: Scope): Promise<void>;
  /** Of a batch of the change feed; answers a clause for its trace. */
  apply(batch: FeedBatch): Promise<string>;
  /** A clause for the administrator; '' when there is nothing to tell. */
  detail(): string;
}

export function createSources(needs: SourcesNeeds, options: PresenceEngineOptions): Sources {
  const { clock, log } = needs;
  // Both outlive a restart of the service, as the rows of the datastore do.
  const phones = new PhoneState(needs);
  let trusted: readonly string[] = [needs.ca];
  const calendars = new Calendars({
    ...needs,
    openClient: () =>
      createCalendarClient(clock, {
        ca: trusted,
        connections: needs.configuration().parameters.calendarThreads,
        maxBytes: options.calendarMaxBytes,
      }),
    openReader: () => createCalendarReader(clock, options.calendarReadSeconds * 1_000),
  });

  return {
    async open(scope) {
      trusted = [needs.ca, ...(await readCaFile(options.calendarCaFile))];
      scope.every(STANDING_PUBLICATION.repeatMs, () => phones.repeat());
      await calendars.configure();
      scope.defer(() => calendars.close());
      const watch = needs.onConfiguration(() => {
        calendars.configure().catch((error: unknown) => log.error({ err: error }, 'calendars could not be followed'));
        phones.configure().catch((error: unknown) => log.error({ err: error }, 'phones could not be followed'));
      });
      scope.defer(() => watch[Symbol.dispose]());
    },
    apply: async (batch) => [await phones.apply(batch), await calendars.apply(batch)].filter((said) => said).join(', '),
    detail() {
      if (calendars.size === 0) return '';
      return `follows ${calendars.size} ${calendars.size === 1 ? 'calendar' : 'calendars'}`;
    },
  };
}

async function readCaFile(file: string): Promise<readonly string[]> {
  if (file === '') return [];
  try {
    return [await readFile(file, 'utf8')];
  } catch (cause) {
    throw new ImpError('invalid', 'presence-engine.calendar-ca', 'the file calendarCaFile cannot be read', { cause });
  }
}
