import { isoTime } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Notifications } from '../../platform/notifications.ts';

/** A setting that was changed and is in force only after a restart. */
export interface PendingRestart {
  readonly setting: string;
  /** What runs, and what a restart puts into force; '' is nothing. */
  readonly from: string;
  readonly to: string;
  /** Where the change stands in the change log: its table and, of a compound key, what the key ends in. */
  readonly table: string;
  readonly keyEnd: string;
}

/** The newest rows of the change log, oldest first: who wrote what. */
export interface ChangeTrail {
  trace(query: {
    readonly limit: number;
  }): Promise<
    readonly { readonly table: string; readonly key: string; readonly origin: string; readonly at: number }[]
  >;
}

export interface RestartNoticesNeeds {
  readonly notifications: Notifications;
  readonly changeFeed: ChangeTrail;
  readonly log: Log;
  /** By folder name, and as administrators know it. */
  readonly service: string;
  readonly title: string;
}

/** Notifications that a service wants a restart: one for each setting (docs/services/config-agent.md). */
export interface RestartNotices {
  /** All that waits now: what does not wait any more was changed back. */
  show(pending: readonly PendingRestart[]): void;
  /** The service has started anew. */
  restarted(): void;
}

const PREFIX = 'restart:';
/** How far back in the log the author of a change is looked for. */
const TRACED = 500;
const MOST_CHARACTERS = 200;

export function createRestartNotices(needs: RestartNoticesNeeds): RestartNotices {
  const { notifications, service, title } = needs;
  let shown = new Map<string, string>();

  const raise = ({ setting, from, to }: PendingRestart, by: string): void =>
    notifications.raise({
      service,
      cause: PREFIX + setting,
      severity: 'medium',
      text: `${setting}: ${shortened(from)} → ${shortened(to)}${by}. Restart the ${title} to put it into force.`,
    });

  /** Who wrote it last, and when; the log may have been trimmed since. */
  const tellAuthors = async (pending: readonly PendingRestart[]): Promise<void> => {
    const rows = await needs.changeFeed.trace({ limit: TRACED });
    for (const each of pending) {
      const row = rows.findLast(({ table, key }) => table === each.table && key.endsWith(each.keyEnd));
      // It may have been changed again, or have come into force, while the log was read.
      if (row !== undefined && shown.get(each.setting) === each.to) {
        raise(each, `, by ${row.origin} at ${isoTime(row.at)}`);
      }
    }
  };

  return {
    show(pending) {
      const before = shown;
      shown = new Map(pending.map(({ setting, to }) => [setting, to]));
      for (const setting of before.keys()) {
        if (!shown.has(setting)) notifications.clear(service, PREFIX + setting, 'reverted');
      }
      const fresh = pending.filter(({ setting, to }) => before.get(setting) !== to);
      for (const each of fresh) raise(each, '');
      if (fresh.length === 0) return;
      tellAuthors(fresh).catch((error: unknown) =>
        needs.log.debug({ err: describeError(error) }, 'who changed a setting could not be read'),
      );
    },
    restarted() {
      shown = new Map();
      notifications.clear(service, `${PREFIX}*`, 'restart');
    },
  };
}

function shortened(text: string): string {
  if (text === '') return 'nothing';
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)} …`;
}
