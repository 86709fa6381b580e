import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createChangeFeed } from '../ids/change-feed/create-change-feed.ts';
import type { ChangeFeed } from '../ids/change-feed.ts';
import type { Ids } from '../ids/ids.ts';
import { createPostgresFeedStore } from '../ids/postgres/postgres-feed-store.ts';
import { openPostgresIds } from '../ids/postgres/postgres-ids.ts';
import { createPostgresStaging } from '../ids/postgres/postgres-staging.ts';
import { createSqliteFeedStore } from '../ids/sqlite/sqlite-feed-store.ts';
import { openSqliteIds } from '../ids/sqlite/sqlite-ids.ts';
import { createSqliteStaging } from '../ids/sqlite/sqlite-staging.ts';
import type { StagedTable, Staging } from '../ids/staging.ts';
import type { Alarms } from '../platform/alarms.ts';
import type { Clock } from '../platform/clock.ts';
import { ImpError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { NodeFile } from './node-config.ts';

export interface OpenedIds {
  readonly ids: Ids & AsyncDisposable;
  readonly changeFeed: ChangeFeed & AsyncDisposable;
  readonly staging: Staging;
}

/** The configuration database of the node file: the embedded one, or PostgreSQL. @throws IdsError, ImpError `config.unreadable` */
export async function openIds(
  config: NodeFile['ids'],
  needs: {
    readonly folder: string;
    readonly baseFolder: string;
    readonly stagedTables: readonly StagedTable[];
    readonly clock: Clock;
    readonly log: Log;
    readonly metrics: Metrics;
    readonly alarms: Alarms;
  },
): Promise<OpenedIds> {
  const { clock, log, metrics, alarms, stagedTables } = needs;
  if (config.url === undefined) {
    const ids = await openSqliteIds({
      file: join(needs.folder, 'ids.db'),
      stagingFile: join(needs.folder, 'staging.db'),
      durability: config.durability,
      log,
      metrics,
    });
    const changeFeed = createChangeFeed({ store: createSqliteFeedStore(ids), clock, log, metrics, alarms });
    return { ids, changeFeed, staging: createSqliteStaging(ids, stagedTables) };
  }
  let password: string | undefined;
  if (config.passwordFile !== undefined) {
    const file = resolve(needs.baseFolder, config.passwordFile);
    try {
      password = (await readFile(file, 'utf8')).trim();
    } catch (cause) {
      throw new ImpError('invalid', 'config.unreadable', `ids.passwordFile: ${file} cannot be read`, { cause });
    }
  }
  const ids = await openPostgresIds({
    url: config.url,
    ...(password !== undefined && { password }),
    clock,
    log,
    metrics,
  });
  const changeFeed = createChangeFeed({ store: createPostgresFeedStore(ids), clock, log, metrics, alarms });
  return { ids, changeFeed, staging: createPostgresStaging(ids, stagedTables) };
}
