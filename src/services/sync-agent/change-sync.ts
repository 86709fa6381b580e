import type { AxlChange, AxlClient, ChangeList } from '../../axl/client.ts';
import { AxlError } from '../../axl/errors.ts';
import type { Ids } from '../../ids/ids.ts';
import type { StagedRow, Staging } from '../../ids/staging.ts';
import type { Clock } from '../../platform/clock.ts';
import type { XmlElement } from '../../xml/element.ts';
import { type Applied, applyStaged, type ScopedTable } from './apply.ts';
import type { AxlReader } from './axl-reader.ts';
import { deviceRow, endUserRow, lineRow, TAGS } from './mapping.ts';
import { type AssociationName, associationsOf } from './sql-reads.ts';
import { STAGES, type Stage, withDisplayNames } from './stages.ts';
import { type ChangePlace, writePlace } from './sync-record.ts';
import { SYNCED, type SyncedName } from './tables.ts';

export interface ChangeSyncNeeds {
  readonly ids: Ids;
  readonly staging: Staging;
  readonly axl: AxlClient;
  readonly reader: AxlReader;
  readonly domain: string;
  readonly clock: Clock;
}

export type Followed =
  | { readonly kind: 'applied'; readonly applied: Applied; readonly place: ChangePlace; readonly isMore: boolean }
  /** The place is lost or so much has changed that everything is read anew; `reason` is a clause. */
  | { readonly kind: 'resync'; readonly reason: string };

/** AXL object types that mean something here. */
const FEW: Readonly<Record<string, string>> = {
  AppUser: 'application users',
  UserGroup: 'groups',
  ProcessNode: 'nodes',
  ServiceParameter: 'enterprise parameters',
  ServiceProfile: 'service profiles',
  LdapAuthentication: 'LDAP hosts',
};
const MANY = ['User', 'Phone', 'Line'] as const;
const TYPES: readonly string[] = [...MANY, ...Object.keys(FEW)];
/** AXL's code for a place it does not know (any more). */
const LOST = 5007;
/** Objects fetched one by one; more are read faster by a full sync. */
const MOST_OBJECTS = 2_000;
const AT_ONCE = 4;

const NOTHING: Applied = { inserted: 0, updated: 0, deleted: 0 };

/** Asks CUCM what changed since the place, fetches it, and merges it together with the new place. */
export async function followOnce(needs: ChangeSyncNeeds, place: ChangePlace): Promise<Followed> {
  const { ids, staging, reader, clock } = needs;
  let list: ChangeList;
  try {
    list = await reader.patiently(() =>
      needs.axl.listChange({ queueId: place.queueId, startChangeId: place.nextChangeId }, TYPES),
    );
  } catch (error) {
    if (error instanceof AxlError && error.code === 'axl.fault' && error.axlCode === LOST) {
      return { kind: 'resync', reason: 'CUCM no longer knows our place in its change queue' };
    }
    throw error;
  }
  if (list.queueId !== place.queueId) return { kind: 'resync', reason: 'CUCM has a new change queue' };
  if (list.firstChangeId > place.nextChangeId) {
    return { kind: 'resync', reason: "CUCM's change queue has overrun our place" };
  }
  const next: ChangePlace = { queueId: list.queueId, nextChangeId: list.nextStartChangeId };
  const isMore = list.lastChangeId >= list.nextStartChangeId;
  const changed = byType(list.changes);
  const objects = MANY.reduce((sum, type) => sum + (changed.get(type)?.size ?? 0), 0);
  if (objects > MOST_OBJECTS) return { kind: 'resync', reason: `${objects} objects changed at once` };
  if (changed.size === 0) {
    if (next.nextChangeId !== place.nextChangeId) {
      await ids.transaction('node', (trx) => writePlace(trx, next, { lastChangeAt: clock.now() }));
    }
    return { kind: 'applied', applied: NOTHING, place: next, isMore };
  }
  await staging.begin(`changes/${place.queueId}/${place.nextChangeId}`);
  for (const table of Object.values(SYNCED)) await staging.clear(table);
  const scopes = [
    ...(await stageFew(needs, changed)),
    ...(await stageDevices(needs, [...(changed.get('Phone') ?? [])])),
    ...(await stageLines(needs, [...(changed.get('Line') ?? [])])),
    ...(await stageUsers(needs, [...(changed.get('User') ?? [])])),
  ];
  const applied = await applyStaged(ids, staging, {
    scopes,
    isFull: false,
    keepsMissing: false,
    place: next,
    now: clock.now(),
  });
  return { kind: 'applied', applied, place: next, isMore };
}

/** Pkids of the changed objects by type: several records of one object are one. */
function byType(changes: readonly AxlChange[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const change of changes) {
    if (!TYPES.includes(change.type)) continue;
    const pkids = found.get(change.type) ?? new Set();
    pkids.add(change.uuid);
    found.set(change.type, pkids);
  }
  return found;
}

const keys = (table: SyncedName, column: string, pkids: readonly string[]): ScopedTable => ({
  table,
  scope: { kind: 'keys', column, keys: pkids },
});

/** What there are few of is read as a whole. */
async function stageFew(
  { reader, staging, domain }: ChangeSyncNeeds,
  changed: ReadonlyMap<string, unknown>,
): Promise<ScopedTable[]> {
  const wanted = new Set([...changed.keys()].map((type) => FEW[type]));
  // Which groups an application user is in comes with the application users.
  const stages = STAGES.filter((stage: Stage) => wanted.has(stage.name));
  for (const stage of stages) await stage.read({ reader, staging, domain, progress: () => undefined });
  return stages.flatMap((stage) => stage.tables.map((table) => ({ table, scope: { kind: 'all' } as const })));
}

async function fetchAll(
  reader: AxlReader,
  operation: string,
  pkids: readonly string[],
  tags: readonly string[],
): Promise<XmlElement[]> {
  const found: XmlElement[] = [];
  const waiting = [...pkids];
  const work = async (): Promise<void> => {
    for (let pkid = waiting.shift(); pkid !== undefined; pkid = waiting.shift()) {
      const object = await reader.get(operation, pkid, tags);
      if (object !== undefined) found.push(object);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

async function stageAssociation(
  { reader, staging }: ChangeSyncNeeds,
  name: AssociationName,
  column: string,
  parents: readonly string[],
): Promise<ScopedTable> {
  const rows: readonly StagedRow[] = await associationsOf(reader, name, column, parents);
  await staging.put(SYNCED[name], rows);
  return keys(name, column, parents);
}

async function stageDevices(needs: ChangeSyncNeeds, pkids: readonly string[]): Promise<ScopedTable[]> {
  if (pkids.length === 0) return [];
  const devices = await fetchAll(needs.reader, 'getPhone', pkids, TAGS.phone);
  await needs.staging.put(SYNCED.devices, devices.map(deviceRow));
  return [
    keys('devices', 'pkid', pkids),
    await stageAssociation(needs, 'deviceLines', 'fkdevice', pkids),
    await stageAssociation(needs, 'userDevices', 'fkdevice', pkids),
  ];
}

async function stageLines(needs: ChangeSyncNeeds, pkids: readonly string[]): Promise<ScopedTable[]> {
  if (pkids.length === 0) return [];
  const lines = await fetchAll(needs.reader, 'getLine', pkids, TAGS.line);
  await needs.staging.put(SYNCED.lines, lines.map(lineRow));
  return [keys('lines', 'pkid', pkids), await stageAssociation(needs, 'deviceLines', 'fknumplan', pkids)];
}

async function stageUsers(needs: ChangeSyncNeeds, pkids: readonly string[]): Promise<ScopedTable[]> {
  if (pkids.length === 0) return [];
  const users = await fetchAll(needs.reader, 'getUser', pkids, TAGS.user);
  const rows = users.map((user) => endUserRow(user, needs.domain));
  await needs.staging.put(SYNCED.endUsers, await withDisplayNames(needs.reader, rows));
  return [
    keys('endUsers', 'pkid', pkids),
    await stageAssociation(needs, 'userDevices', 'fkenduser', pkids),
    await stageAssociation(needs, 'userGroups', 'fkenduser', pkids),
  ];
}
