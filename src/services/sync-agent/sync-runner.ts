import type { AxlClient } from '../../axl/client.ts';
import type { Ids } from '../../ids/ids.ts';
import type { Staging } from '../../ids/staging.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { breathe, readAssignmentMode } from './apply.ts';
import { ASSIGNMENT_STATE, assignWaiting } from './assignment.ts';
import type { AxlReader } from './axl-reader.ts';
import { followOnce } from './change-sync.ts';
import { findDirectoryUriProblems, judgeDirectoryUris } from './directory-uris.ts';
import { runFullSync } from './full-sync.ts';
import { countKnownUsers } from './known-users.ts';
import { purgeRemoved } from './purge.ts';
import { type ChangePlace, readSyncRecord } from './sync-record.ts';

export interface SyncResult {
  readonly users: number;
  readonly devices: number;
  readonly lines: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  readonly milliseconds: number;
}

/** What the runner knows of the sync. Times in milliseconds since the epoch. */
export interface SyncMemory {
  readonly place: ChangePlace | null;
  readonly fullSyncAt: number | null;
  readonly lastChangeAt: number | null;
  /** Users known from CUCM. */
  readonly users: number;
  /** The sync was completed in this run. */
  readonly isComplete: boolean;
  /** Why removals were withheld at the last full sync, as a clause. */
  readonly withheld: string | null;
}

export interface SyncRunnerNeeds {
  readonly ids: Ids;
  readonly staging: Staging;
  readonly axl: AxlClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  /** Names under which CUCM may list this node. */
  readonly ownNames: readonly string[];
  readonly domain: string;
  readonly fullSyncHours: number;
  /** A full sync reads this now. */
  readonly onProgress: (stage: string, done: number, total: number | null) => void;
  /** A full sync is complete. */
  readonly onInSync: () => void;
}

/** Does what is due: reads everything, or follows what changed. Knows nothing of waiting and of states. */
export interface SyncRunner {
  readonly memory: SyncMemory;
  /** Reads where an earlier run stopped. */
  load(): Promise<void>;
  /** @throws AxlError; IdsError; ImpError `sync.overtaken` */
  turn(reader: AxlReader, asked: { readonly full: boolean; readonly acceptDeletions: boolean }): Promise<SyncResult>;
}

/** How often everything is read at once, when CUCM's queue is lost while it is read. */
const FULL_TRIES = 3;
/** All users are looked at no more often than this, however fast they change. */
const USER_CHECK_MS = 60_000;

export function createSyncRunner(needs: SyncRunnerNeeds): SyncRunner {
  const { ids, axl, clock, alarms, log } = needs;
  const knownUsers = needs.metrics.gauge('imp_sync_users', 'Users known from CUCM');
  const rowsChanged = needs.metrics.counter('imp_sync_rows_total', 'Rows of the IDS changed by syncs', ['operation']);
  const durations = needs.metrics.histogram(
    'imp_sync_full_seconds',
    'Time of full syncs',
    [0.1, 0.5, 1, 5, 15, 60, 300, 1800],
  );
  let place: ChangePlace | null = null;
  let fullSyncAt: number | null = null;
  let lastChangeAt: number | null = null;
  let isComplete = false;
  let users = 0;
  let withheld: string | null = null;

  const countUsers = async (): Promise<void> => {
    users = await countKnownUsers(ids);
    knownUsers.set(users);
  };

  let checkedAt = Number.NEGATIVE_INFINITY;
  let isCheckDue = true;
  /** Looks for directory URIs that are shared or not valid, some time after users changed. */
  const checkUsers = async (): Promise<void> => {
    if (!isCheckDue || clock.monotonic() - checkedAt < USER_CHECK_MS) return;
    checkedAt = clock.monotonic();
    isCheckDue = false;
    judgeDirectoryUris(alarms, await findDirectoryUriProblems(ids, breathe));
  };

  /** Users that waited for a node to come back get a home node. */
  const placeWaiting = async (): Promise<void> => {
    const waiting = await ids.read
      .selectFrom('enduser')
      .where('primarynodeid', 'is', null)
      .where('tkassignmentstate', '=', ASSIGNMENT_STATE.waiting)
      .select('pkid')
      .limit(1)
      .executeTakeFirst();
    if (!waiting) return;
    await ids.transaction('cucm', async (trx) => assignWaiting(trx, await readAssignmentMode(trx), breathe));
  };

  const countRows = (applied: { inserted: number; updated: number; deleted: number }): void => {
    rowsChanged.inc({ operation: 'inserted' }, applied.inserted);
    rowsChanged.inc({ operation: 'updated' }, applied.updated);
    rowsChanged.inc({ operation: 'deleted' }, applied.deleted);
  };

  const full = async (reader: AxlReader, acceptDeletions: boolean): Promise<SyncResult> => {
    const began = clock.monotonic();
    needs.onProgress('the version of CUCM', 0, null);
    await reader.patiently(() => axl.getCcmVersion());
    const result = await runFullSync(
      {
        ids,
        staging: needs.staging,
        axl,
        reader,
        domain: needs.domain,
        ownNames: needs.ownNames,
        clock,
        log,
        alarms,
        progress: needs.onProgress,
      },
      acceptDeletions,
    );
    place = result.place;
    fullSyncAt = clock.now();
    lastChangeAt = fullSyncAt;
    isCheckDue = true;
    checkedAt = Number.NEGATIVE_INFINITY;
    withheld = result.withheld;
    isComplete = true;
    countRows(result);
    await countUsers();
    needs.onInSync();
    const milliseconds = Math.round(clock.monotonic() - began);
    durations.observe(milliseconds / 1000);
    await purgeRemoved(ids, clock.now());
    const { users: found, devices, lines, inserted, updated, deleted } = result;
    return { users: found, devices, lines, inserted, updated, deleted, milliseconds };
  };

  /** Follows until nothing is left to follow; answers false when everything must be read anew. */
  const follow = async (reader: AxlReader, from: ChangePlace): Promise<SyncResult | false> => {
    const began = clock.monotonic();
    let isMore = true;
    let at = from;
    const sum = { inserted: 0, updated: 0, deleted: 0 };
    while (isMore) {
      const followed = await followOnce({ ids, staging: needs.staging, axl, reader, domain: needs.domain, clock }, at);
      if (followed.kind === 'resync') {
        log.warn({ reason: followed.reason }, 'everything is read anew');
        return false;
      }
      ({ place: at, isMore } = followed);
      sum.inserted += followed.applied.inserted;
      sum.updated += followed.applied.updated;
      sum.deleted += followed.applied.deleted;
      place = at;
    }
    if (at.nextChangeId !== from.nextChangeId) {
      lastChangeAt = clock.now();
      isCheckDue = true;
      await countUsers();
    }
    await placeWaiting();
    countRows(sum);
    isComplete = true;
    return { users, devices: 0, lines: 0, ...sum, milliseconds: Math.round(clock.monotonic() - began) };
  };

  return {
    get memory() {
      return { place, fullSyncAt, lastChangeAt, users, isComplete, withheld };
    },
    async load() {
      ({ place, fullSyncAt, lastChangeAt } = await readSyncRecord(ids.read));
      await countUsers();
    },
    async turn(reader, asked) {
      const isDue = fullSyncAt === null || clock.now() - fullSyncAt > needs.fullSyncHours * 3_600_000;
      let result: SyncResult | false = false;
      if (!isDue && place !== null && !asked.full) result = await follow(reader, place);
      for (let tries = 0; result === false && tries < FULL_TRIES; tries += 1) {
        result = await full(reader, asked.acceptDeletions);
        // What changed while everything was read. A place that is lost already makes all of it doubtful.
        if (place !== null && (await follow(reader, place)) === false) result = false;
      }
      if (result === false) {
        throw new ImpError('unavailable', 'sync.overtaken', `${axl.host} changes faster than it can be read`);
      }
      await checkUsers();
      return result;
    },
  };
}
