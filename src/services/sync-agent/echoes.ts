import type { Ids } from '../../ids/ids.ts';
import type { StagedRow } from '../../ids/staging.ts';
import { type AxlReader, PKID } from './axl-reader.ts';
import { byKeys } from './sql-reads.ts';

/**
 * Objects that show the name of another one: a phone its owner's, a user the number of a line. When that one is renamed,
 * CUCM tells of it alone, so the others are looked for here. What is compared is what the IDS holds with what CUCM says
 * now: an answer that was read while the name changed is found too.
 */
export interface EchoNeeds {
  readonly ids: Ids;
  readonly reader: AxlReader;
}

/** Keys in one statement. */
const CHUNK = 400;

interface Pointer {
  /** The column of the IDS that holds the name, and its table. */
  readonly table: 'device' | 'enduser';
  readonly column: 'owneruserid' | 'primaryextension';
  /** Where the name comes from. */
  readonly named: { readonly table: 'enduser' | 'numplan'; readonly column: 'userid' | 'dnorpattern' };
  /** Who points at these objects of CUCM: `pkid`, `target`. */
  readonly select: (list: string) => string;
}

const OWNER: Pointer = {
  table: 'device',
  column: 'owneruserid',
  named: { table: 'enduser', column: 'userid' },
  select: (list) => `select pkid, fkenduser as target from device where fkenduser in (${list})`,
};
const EXTENSION: Pointer = {
  table: 'enduser',
  column: 'primaryextension',
  named: { table: 'numplan', column: 'dnorpattern' },
  select: (list) =>
    `select fkenduser as pkid, fknumplan as target from endusernumplanmap where tkdnusage = 1 and fknumplan in (${list})`,
};

/** Devices that show another name of these users than they have now. */
export const devicesOf = (needs: EchoNeeds, pkids: readonly string[], users: readonly StagedRow[]): Promise<string[]> =>
  misnamed(needs, OWNER, pkids, users);

/** Users whose primary extension is one of these lines and shows another number. */
export const usersOf = (needs: EchoNeeds, pkids: readonly string[], lines: readonly StagedRow[]): Promise<string[]> =>
  misnamed(needs, EXTENSION, pkids, lines);

async function misnamed(
  { ids, reader }: EchoNeeds,
  pointer: Pointer,
  pkids: readonly string[],
  rows: readonly StagedRow[],
): Promise<string[]> {
  const names = new Map(rows.map((row) => [String(row.pkid), String(row[pointer.named.column])]));
  const wanted = new Map<string, string>();
  await byKeys(reader, pkids, pointer.select, (row) => {
    const name = names.get(row.get('target') ?? '');
    if (name !== undefined) wanted.set(row.get('pkid') ?? '', name);
  });
  const found: string[] = [];
  for (const some of chunks([...wanted.keys()])) {
    const shown = await ids.read
      .selectFrom(pointer.table)
      .where('pkid', 'in', some)
      .select(['pkid', `${pointer.column} as shown`])
      .execute();
    for (const row of shown) if (row.shown !== wanted.get(row.pkid)) found.push(row.pkid);
  }
  // Those that point at what is gone.
  const gone = pkids.filter((pkid) => !names.has(pkid));
  for (const some of chunks(gone)) {
    const shown = await ids.read
      .selectFrom(pointer.table)
      .where(
        pointer.column,
        'in',
        ids.read
          .selectFrom(pointer.named.table)
          .where('pkid', 'in', some)
          .where(pointer.named.column, '<>', '')
          .select(pointer.named.column),
      )
      .select('pkid')
      .execute();
    found.push(...shown.map((row) => row.pkid));
  }
  return found;
}

/**
 * Names that whole objects are filed under: table and column here, where CUCM lists them, and the objects' column there
 * that points at them.
 */
const FILED = {
  ServiceProfile: {
    table: 'enduser',
    column: 'serviceprofile',
    from: 'ucserviceprofile',
    pointer: 'fkucserviceprofile',
  },
  RoutePartition: { table: 'numplan', column: 'partition', from: 'routepartition', pointer: 'fkroutepartition' },
  DevicePool: { table: 'device', column: 'devicepool', from: 'devicepool', pointer: 'fkdevicepool' },
} as const;

export type FiledType = keyof typeof FILED;
export const FILED_TYPES = Object.keys(FILED) as FiledType[];

/**
 * Objects that are filed under a name that CUCM does not have any more, and those that belong to one of the changed and
 * show another name than it has now: two of them may have swapped their names, and then no name is gone.
 */
export async function misfiled(
  { ids, reader }: EchoNeeds,
  type: FiledType,
  changed: readonly string[],
): Promise<string[]> {
  const { table, column, from, pointer } = FILED[type];
  const rows = await reader.sqlRows(`select pkid, name from ${from}`);
  const names = new Map(rows.map((row) => [row.get('pkid') ?? '', row.get('name') ?? '']));
  const gone = await ids.read
    .selectFrom(table)
    .where('deletedat', 'is', null)
    .where(column, 'not in', ['', ...names.values()])
    .select('pkid')
    .execute();
  const found = gone.map((row) => row.pkid);
  const shownOf = async (some: readonly string[]) =>
    await ids.read
      .selectFrom(table)
      .where('pkid', 'in', some)
      .where('deletedat', 'is', null)
      .select(['pkid', `${column} as shown`])
      .execute();
  for (const some of chunks(changed.filter((pkid) => PKID.test(pkid) && names.has(pkid)))) {
    const list = some.map((pkid) => `'${pkid}'`).join(', ');
    await reader.sql(
      { columns: pointer, from: table, where: `${pointer} in (${list})` },
      {
        toRow: (row) => [row.get('pkid') ?? '', names.get(row.get(pointer) ?? '') ?? ''] as const,
        async onRows(objects) {
          const now = new Map(objects);
          for (const pkids of chunks([...now.keys()])) {
            for (const { pkid, shown } of await shownOf(pkids)) if (shown !== now.get(pkid)) found.push(pkid);
          }
        },
      },
    );
  }
  return found;
}

function* chunks(pkids: readonly string[]): Generator<string[]> {
  for (let from = 0; from < pkids.length; from += CHUNK) yield pkids.slice(from, from + CHUNK);
}
