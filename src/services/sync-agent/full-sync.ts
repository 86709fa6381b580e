import type { AxlClient } from '../../axl/client.ts';
import type { Ids } from '../../ids/ids.ts';
import type { Staging } from '../../ids/staging.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import { type Applied, applyStaged } from './apply.ts';
import type { AxlReader } from './axl-reader.ts';
import { countKnownUsers } from './known-users.ts';
import { fetchSkipped } from './skipped.ts';
import { STAGES } from './stages.ts';
import type { ChangePlace } from './sync-record.ts';
import { SYNCED } from './tables.ts';

export interface FullSyncNeeds {
  readonly ids: Ids;
  readonly staging: Staging;
  readonly axl: AxlClient;
  readonly reader: AxlReader;
  readonly domain: string;
  /** Names under which CUCM may list this node. */
  readonly ownNames: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly alarms: Alarms;
  readonly progress: (stage: string, done: number, total: number | null) => void;
}

export interface FullSync extends Applied {
  readonly users: number;
  readonly devices: number;
  readonly lines: number;
  readonly place: ChangePlace;
  /** Why nothing was removed, as a clause; null when removals were allowed. */
  readonly withheld: string | null;
}

/** An interrupted read older than this begins anew: too much has changed since. */
const RESUMABLE_MS = 60 * 60 * 1000;
/** A source that returns less than this part of the known users is not believed. */
const BELIEVED_PART = 0.5;

/**
 * Reads everything of interest into the staging area, stage by stage, and merges it. The place in CUCM's change queue
 * is taken before the first read, so that what changes meanwhile is heard of afterwards. A read that was cut off goes
 * on with the stage it was in, if CUCM's queue is still the same.
 * @throws AxlError; IdsError
 */
export async function runFullSync(needs: FullSyncNeeds, acceptsDeletions: boolean): Promise<FullSync> {
  const { ids, staging, clock, log } = needs;
  const began = clock.monotonic();
  const place = await beginRun(needs);
  const whole = await staging.begin(runName(place));
  const counts = new Map(whole);
  for (const stage of STAGES) {
    if (whole.has(stage.name)) continue;
    needs.progress(stage.name, 0, null);
    const tables = stage.tables.map((table) => SYNCED[table]);
    for (const table of tables) await staging.load(table);
    const count = await stage.read({
      reader: needs.reader,
      staging,
      domain: needs.domain,
      progress: (done, total) => needs.progress(stage.name, done, total),
    });
    await staging.completeStage(stage.name, count, tables);
    counts.set(stage.name, count);
  }
  needs.progress('what moved meanwhile', 0, null);
  await fetchSkipped(needs, place);
  await judgeServerList(needs);
  const withheld = acceptsDeletions ? null : await disbelief(needs);
  needs.progress('merging', 0, null);
  const applied = await applyStaged(ids, staging, {
    scopes: STAGES.flatMap((stage) => stage.tables.map((table) => ({ table, scope: { kind: 'all' } as const }))),
    isFull: true,
    keepsMissing: withheld !== null,
    place,
    now: clock.now(),
  });
  await endRun(needs);
  const count = (stage: string): number => counts.get(stage) ?? 0;
  const result = {
    ...applied,
    users: count('end users'),
    devices: count('devices'),
    lines: count('lines'),
    place,
    withheld,
  };
  log.info({ ...result, ms: Math.round(clock.monotonic() - began), resumed: whole.size }, 'full sync finished');
  return result;
}

const runName = (place: ChangePlace): string => `${place.queueId}/${place.nextChangeId}`;

interface StoredRun extends ChangePlace {
  readonly startedAt: number;
}

/** Takes the place from which changes will be followed: that of the run that was cut off, or a new one. */
async function beginRun({ ids, axl, reader, clock, log }: FullSyncNeeds): Promise<ChangePlace> {
  const now = await reader.patiently(() => axl.listChange());
  const stored = await ids.read
    .selectFrom('epassyncagentcfg')
    .where('id', '=', 1)
    .select('progress')
    .executeTakeFirst();
  const run = stored === undefined || stored.progress === '' ? undefined : (JSON.parse(stored.progress) as StoredRun);
  if (
    run !== undefined &&
    run.queueId === now.queueId &&
    run.nextChangeId >= now.firstChangeId - 1 &&
    clock.now() - run.startedAt < RESUMABLE_MS
  ) {
    log.info({ nextChangeId: run.nextChangeId }, 'going on with the sync that was cut off');
    return { queueId: run.queueId, nextChangeId: run.nextChangeId };
  }
  const place: StoredRun = {
    queueId: now.queueId,
    nextChangeId: now.nextStartChangeId,
    startedAt: clock.now(),
  };
  await saveRun(ids, JSON.stringify(place));
  return place;
}

async function saveRun(ids: Ids, progress: string): Promise<void> {
  await ids.transaction('node', async (trx) => {
    await trx.updateTable('epassyncagentcfg').set({ progress }).where('id', '=', 1).execute();
  });
}

async function endRun({ ids, staging }: FullSyncNeeds): Promise<void> {
  await saveRun(ids, '');
  await staging.end();
}

/** Why the answer is not believed as far as removals go; null when it is. */
async function disbelief({ ids, staging, alarms }: FullSyncNeeds): Promise<string | null> {
  const before = await countKnownUsers(ids);
  const now = await staging.count(SYNCED.endUsers);
  if (now >= before * BELIEVED_PART) {
    alarms.clear('sync-agent', 'SyncAgentDeletionsWithheld');
    return null;
  }
  const reason =
    `CUCM returned ${now} of ${before} known users, so nothing was removed; ` +
    'if that is right, run: imp sync --full --accept-deletions';
  alarms.raise('sync-agent', 'SyncAgentDeletionsWithheld', 2, reason);
  return reason;
}

/**
 * This node must stand in CUCM's list of servers, with the id it has always had: one that was deleted and added again
 * is another one to CUCM.
 */
async function judgeServerList({ ids, ownNames, alarms, reader }: FullSyncNeeds): Promise<void> {
  const wanted = new Set(ownNames.map((name) => name.toLowerCase()));
  const listed = (await reader.sqlRows('select pkid, name from processnode')).find((row) =>
    wanted.has((row.get('name') ?? '').toLowerCase()),
  );
  const known = (await ids.read.selectFrom('processnode').select(['pkid', 'name']).execute()).find((row) =>
    wanted.has(row.name.toLowerCase()),
  );
  if (listed === undefined) {
    alarms.raise(
      'sync-agent',
      'NotInCucmServerListError',
      2,
      `${ownNames[0]} is not in CUCM's list of servers: add it there, with the role CUCM IM and Presence`,
    );
  } else if (known !== undefined && known.pkid !== listed.get('pkid')) {
    alarms.raise(
      'sync-agent',
      'NotInCucmServerListError',
      2,
      `${ownNames[0]} has another id in CUCM's list of servers than before: it was deleted there and added again`,
    );
  } else {
    alarms.clear('sync-agent', 'NotInCucmServerListError');
  }
}
