import type { StagedRow } from '../../ids/staging.ts';
import { type AxlReader, PKID, type SqlRow, type SqlSelect } from './axl-reader.ts';

/** What the thick operations of AXL do not return, or only one object at a time: read by SQL. */

interface Association {
  readonly select: SqlSelect;
  readonly row: (row: SqlRow) => StagedRow;
}

const text = (row: SqlRow, column: string): string => row.get(column) ?? '';

export type AssociationName = 'applicationUserGroups' | 'deviceLines' | 'userDevices' | 'userGroups';

export const associations: Readonly<Record<AssociationName, Association>> = {
  applicationUserGroups: {
    select: {
      columns: 'fkapplicationuser, fkdirgroup',
      from: 'applicationuserdirgroupmap',
    },
    row: (row) => ({ fkapplicationuser: text(row, 'fkapplicationuser'), fkdirgroup: text(row, 'fkdirgroup') }),
  },
  deviceLines: {
    select: {
      columns: 'fkdevice, fknumplan, numplanindex, label, display',
      from: 'devicenumplanmap',
    },
    row: (row) => ({
      pkid: text(row, 'pkid'),
      fkdevice: text(row, 'fkdevice'),
      fknumplan: text(row, 'fknumplan'),
      numplanindex: Number(text(row, 'numplanindex')) || 0,
      label: text(row, 'label'),
      display: text(row, 'display'),
    }),
  },
  userDevices: {
    select: { columns: 'fkenduser, fkdevice, tkuserassociation', from: 'enduserdevicemap' },
    row: (row) => ({
      pkid: text(row, 'pkid'),
      fkenduser: text(row, 'fkenduser'),
      fkdevice: text(row, 'fkdevice'),
      tkuserassociation: Number(text(row, 'tkuserassociation')) || 0,
    }),
  },
  userGroups: {
    select: { columns: 'fkenduser, fkdirgroup', from: 'enduserdirgroupmap' },
    row: (row) => ({ fkenduser: text(row, 'fkenduser'), fkdirgroup: text(row, 'fkdirgroup') }),
  },
};

/** Keys in one query: a request line of some 40 KB at most. */
const KEYS = 1_000;
/** Runs a query for some pkids at a time; the query is made of their list. */
export async function byKeys(
  reader: AxlReader,
  pkids: readonly string[],
  query: (list: string) => string,
  onRow: (row: SqlRow) => void,
): Promise<void> {
  const known = pkids.filter((pkid) => PKID.test(pkid));
  for (let from = 0; from < known.length; from += KEYS) {
    const list = known
      .slice(from, from + KEYS)
      .map((pkid) => `'${pkid}'`)
      .join(', ');
    for (const row of await reader.sqlRows(query(list))) onRow(row);
  }
}

/** Display names by pkid. */
export async function displayNames(reader: AxlReader, pkids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  await byKeys(
    reader,
    pkids,
    (list) => `select pkid, displayname from enduser where pkid in (${list})`,
    (row) => names.set(text(row, 'pkid'), text(row, 'displayname')),
  );
  return names;
}

/** The association rows whose `column` names one of the parents. */
export async function associationsOf(
  reader: AxlReader,
  name: AssociationName,
  column: string,
  parents: readonly string[],
): Promise<StagedRow[]> {
  const { select, row: toRow }: Association = associations[name];
  const rows: StagedRow[] = [];
  await byKeys(
    reader,
    parents,
    (list) => `select pkid, ${select.columns} from ${select.from} where ${column} in (${list})`,
    (row) => rows.push(toRow(row)),
  );
  return rows;
}
