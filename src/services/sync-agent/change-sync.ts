import type { AxlChange, ChangeList } from '../../axl/change-list.ts';
import type { AxlClient } from '../../axl/client.ts';
import { AxlError } from '../../axl/errors.ts';
import type { Ids } from '../../ids/ids.ts';
import type { StagedRow, Staging } from '../../ids/staging.ts';
import type { Clock } from '../../platform/clock.ts';
import { type Applied, applyStaged, type ScopedTable } from './apply.ts';
import type { AxlReader } from './axl-reader.ts';
import { devicesOf, FILED_TYPES, misfiled, usersOf } from './echoes.ts';
import { MANY, type ManyName, stageObjects } from './objects.ts';
import { type AssociationName, associationsOf, byKeys } from './sql-reads.ts';
import { STAGES, type Stage } from './stages.ts';
import { type ChangePlace, LOST, writePlace } from './sync-record.ts';
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

/** What a change of these AXL objects has read anew as a whole, as there are few. */
const FEW: Readonly<Record<string, readonly string[]>> = {
  AppUser: ['application users'],
  // Who is in a group may be changed at the group.
  UserGroup: ['groups', 'application users'],
  ProcessNode: ['nodes'],
  ServiceParameter: ['enterprise parameters'],
  ServiceProfile: ['service profiles'],
  LdapAuthentication: ['LDAP hosts'],
  PresenceGroup: ['application users'],
};
const TYPES: readonly string[] = [
  ...new Set([...Object.values(MANY).map((kind) => kind.type), ...Object.keys(FEW), ...FILED_TYPES]),
];
/** Objects fetched one by one; more are read faster by a full sync. */
const MOST_OBJECTS = 2_000;

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
  if (changed.size === 0) {
    if (next.nextChangeId !== place.nextChangeId) {
      await ids.transaction('node', (trx) => writePlace(trx, next, { lastChangeAt: clock.now() }));
    }
    return { kind: 'applied', applied: NOTHING, place: next, isMore };
  }
  await staging.begin(`changes/${place.queueId}/${place.nextChangeId}`);
  for (const table of Object.values(SYNCED)) await staging.clear(table);
  const staged = await stageMany(needs, changed);
  if (staged.kind === 'resync') return staged;
  const scopes = [...(await stageFew(needs, changed)), ...staged.scopes];
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
  changed: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<ScopedTable[]> {
  const wanted = new Set([...changed.keys()].flatMap((type) => FEW[type] ?? []));
  // Which groups an application user is in comes with the application users.
  const stages = STAGES.filter((stage: Stage) => wanted.has(stage.name));
  for (const stage of stages) await stage.read({ reader, staging, domain, progress: () => undefined });
  return stages.flatMap((stage) => stage.tables.map((table) => ({ table, scope: { kind: 'all' } as const })));
}

type Staged = { readonly kind: 'staged'; readonly scopes: readonly ScopedTable[] };

/** Fetches the changed objects and what hangs on them, and those that show a name which is another one now. */
async function stageMany(
  needs: ChangeSyncNeeds,
  changed: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<Staged | (Followed & { readonly kind: 'resync' })> {
  const wanted = (name: ManyName): Set<string> => new Set(changed.get(MANY[name].type) ?? []);
  const [lines, users, devices] = [wanted('lines'), wanted('endUsers'), wanted('devices')];
  const into = { ServiceProfile: users, RoutePartition: lines, DevicePool: devices } as const;
  for (const type of FILED_TYPES) {
    const pkids = [...(changed.get(type) ?? [])];
    if (pkids.length > 0) for (const pkid of await misfiled(needs, type, pkids)) into[type].add(pkid);
  }
  const tooMany = (): boolean => lines.size + users.size + devices.size > MOST_OBJECTS;
  const resync = (): Followed & { readonly kind: 'resync' } => ({
    kind: 'resync',
    reason: `${lines.size + users.size + devices.size} objects changed at once`,
  });
  if (tooMany()) return resync();
  // Lines before the users who show their numbers, users before the devices that show their names.
  const lineRows = await stageObjects(needs, 'lines', lines);
  for (const pkid of await usersOf(needs, [...lines], lineRows)) users.add(pkid);
  if (tooMany()) return resync();
  const userRows = await stageObjects(needs, 'endUsers', users);
  for (const pkid of await devicesOf(needs, [...users], userRows)) devices.add(pkid);
  if (tooMany()) return resync();
  await stageObjects(needs, 'devices', devices);
  const own = (table: ManyName, pkids: ReadonlySet<string>): ScopedTable[] =>
    pkids.size === 0 ? [] : [keys(table, 'pkid', [...pkids])];
  const groups = [...(changed.get('UserGroup') ?? [])];
  return {
    kind: 'staged',
    scopes: [
      ...own('devices', devices),
      ...own('lines', lines),
      ...own('endUsers', users),
      ...(await stageAssociation(needs, 'deviceLines', 'fkdevice', [...devices])),
      ...(await stageAssociation(needs, 'deviceLines', 'fknumplan', [...lines])),
      ...(await stageAssociation(needs, 'userDevices', 'fkdevice', [...devices])),
      ...(await stageAssociation(needs, 'userDevices', 'fkenduser', [...users])),
      ...(await stageAssociation(needs, 'userGroups', 'fkenduser', [...users])),
      ...(await stageAssociation(needs, 'userGroups', 'fkdirgroup', await missingGroups(needs, groups))),
    ],
  };
}

async function stageAssociation(
  { reader, staging }: ChangeSyncNeeds,
  name: AssociationName,
  column: string,
  parents: readonly string[],
): Promise<ScopedTable[]> {
  if (parents.length === 0) return [];
  const rows: readonly StagedRow[] = await associationsOf(reader, name, column, parents);
  await staging.put(SYNCED[name], rows);
  return [keys(name, column, parents)];
}

/** Of the groups that changed, those that are gone: nobody is in them any more. */
async function missingGroups({ reader }: ChangeSyncNeeds, pkids: readonly string[]): Promise<string[]> {
  const left = new Set<string>();
  await byKeys(
    reader,
    pkids,
    (list) => `select pkid from dirgroup where pkid in (${list})`,
    (row) => left.add(row.get('pkid') ?? ''),
  );
  return pkids.filter((pkid) => !left.has(pkid));
}
