import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChangeFeedLimits, createChangeFeed } from '../../src/ids/change-feed/create-change-feed.ts';
import type { ChangeFeed } from '../../src/ids/change-feed.ts';
import { createSqliteFeedStore } from '../../src/ids/sqlite/sqlite-feed-store.ts';
import { openSqliteIds, type SqliteIds } from '../../src/ids/sqlite/sqlite-ids.ts';
import { type Alarms, createAlarms } from '../../src/platform/alarms.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { createMetrics, type Metrics } from '../../src/platform/metrics.ts';
import { createNotifications, type Notifications } from '../../src/platform/notifications.ts';

export interface TestIds extends AsyncDisposable {
  readonly folder: string;
  readonly ids: SqliteIds;
  readonly changeFeed: ChangeFeed;
  readonly alarms: Alarms;
  readonly notifications: Notifications;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

export interface TestIdsOptions {
  readonly clock?: Clock;
  readonly limits?: Partial<ChangeFeedLimits>;
  /** An existing folder to open again; it is left in place. */
  readonly folder?: string;
}

/** A real IDS with its change feed in a folder of its own, gone when it is disposed. */
export async function openTestIds(options: TestIdsOptions = {}): Promise<TestIds> {
  const clock = options.clock ?? systemClock;
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'imp-ids-')));
  const log = createLog({ level: 'silent' });
  const metrics = createMetrics();
  const alarms = createAlarms(clock, log);
  const ids = await openSqliteIds({
    file: join(folder, 'ids.db'),
    stagingFile: join(folder, 'staging.db'),
    log,
    metrics,
  });
  const changeFeed = createChangeFeed({
    store: createSqliteFeedStore(ids),
    clock,
    log,
    metrics,
    alarms,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  return {
    folder,
    ids,
    changeFeed,
    alarms,
    notifications: createNotifications(clock, log),
    metrics,
    clock,
    [Symbol.asyncDispose]: async () => {
      await changeFeed[Symbol.asyncDispose]();
      await ids[Symbol.asyncDispose]();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}
