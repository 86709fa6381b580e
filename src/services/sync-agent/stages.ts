import type { StagedRow, Staging } from '../../ids/staging.ts';
import type { XmlElement } from '../../xml/element.ts';
import type { AxlReader, SqlRow } from './axl-reader.ts';
import {
  applicationUserRow,
  deviceRow,
  ENTERPRISE_WIDE,
  endUserRow,
  enterpriseParameterRow,
  groupRow,
  isOfInterest,
  lineRow,
  processNodeRow,
  serviceProfileRow,
  TAGS,
} from './mapping.ts';
import { associations, displayNames } from './sql-reads.ts';
import { SYNCED, type SyncedName } from './tables.ts';
import { together } from './together.ts';

export interface StageContext {
  readonly reader: AxlReader;
  readonly staging: Staging;
  readonly domain: string;
  /** Rows so far; the total where it is known. */
  readonly progress: (done: number, total: number | null) => void;
}

/** A stretch of the full sync that is read again as a whole when it was cut off. */
export interface Stage {
  readonly name: string;
  readonly tables: readonly SyncedName[];
  /** Answers how many objects there were. */
  read(context: StageContext): Promise<number>;
}

interface ListStage {
  readonly name: string;
  readonly table: SyncedName;
  readonly operation: string;
  readonly criterion: string;
  readonly tags: readonly string[];
  readonly row: (object: XmlElement) => StagedRow;
  /** Table of CUCM that has as many rows; asked for the progress of long stages. */
  readonly counted?: string;
}

const listStage = (declared: ListStage): Stage => ({
  name: declared.name,
  tables: [declared.table],
  async read({ reader, staging, progress }) {
    const total = declared.counted === undefined ? null : await countOf(reader, declared.counted);
    let done = 0;
    return await reader.list(declared, {
      toRow: declared.row,
      async onRows(rows) {
        await staging.put(SYNCED[declared.table], rows);
        done += rows.length;
        progress(done, total);
      },
    });
  },
});

async function countOf(reader: AxlReader, table: string): Promise<number | null> {
  const count = Number((await reader.sqlRows(`select count(*) as n from ${table}`))[0]?.get('n'));
  return Number.isSafeInteger(count) ? count : null;
}

const text = (row: SqlRow, column: string): string => row.get(column) ?? '';

/** Every stage in its order: the small ones first, then what is many, parents before what points at them. */
export const STAGES: readonly Stage[] = [
  listStage({
    name: 'nodes',
    table: 'nodes',
    operation: 'listProcessNode',
    criterion: 'name',
    tags: TAGS.processNode,
    row: processNodeRow,
  }),
  {
    name: 'enterprise parameters',
    tables: ['parameters'],
    async read({ reader, staging }) {
      return await reader.list(
        {
          operation: 'listServiceParameter',
          criterion: 'service',
          like: ENTERPRISE_WIDE,
          tags: TAGS.serviceParameter,
        },
        {
          toRow: enterpriseParameterRow,
          onRows: (rows) => staging.put(SYNCED.parameters, rows.filter(isOfInterest)),
        },
      );
    },
  },
  listStage({
    name: 'groups',
    table: 'groups',
    operation: 'listUserGroup',
    criterion: 'name',
    tags: TAGS.userGroup,
    row: groupRow,
  }),
  {
    name: 'application users',
    tables: ['applicationUsers', 'applicationUserGroups'],
    async read({ reader, staging }) {
      const count = await reader.list(
        { operation: 'listAppUser', criterion: 'userid', tags: TAGS.appUser },
        { toRow: applicationUserRow, onRows: (rows) => staging.put(SYNCED.applicationUsers, rows) },
      );
      const { select, row } = associations.applicationUserGroups;
      await reader.sql(select, {
        toRow: row,
        onRows: (rows) => staging.put(SYNCED.applicationUserGroups, rows),
      });
      return count;
    },
  },
  {
    name: 'LDAP hosts',
    tables: ['ldapHosts'],
    async read({ reader, staging }) {
      const rows = await reader.sqlRows(
        'select pkid, hostname, portnumber, sslenabled from ldapauthenticationhost order by pkid',
      );
      await staging.put(
        SYNCED.ldapHosts,
        rows.map((row) => ({
          pkid: text(row, 'pkid'),
          hostname: text(row, 'hostname'),
          portnumber: Number(text(row, 'portnumber')) || 0,
          sslenabled: text(row, 'sslenabled') === 't' ? 1 : 0,
        })),
      );
      return rows.length;
    },
  },
  listStage({
    name: 'service profiles',
    table: 'serviceProfiles',
    operation: 'listServiceProfile',
    criterion: 'name',
    tags: TAGS.serviceProfile,
    row: serviceProfileRow,
  }),
  listStage({
    name: 'devices',
    table: 'devices',
    operation: 'listPhone',
    criterion: 'name',
    tags: TAGS.phone,
    row: deviceRow,
  }),
  listStage({
    name: 'lines',
    table: 'lines',
    operation: 'listLine',
    criterion: 'pattern',
    tags: TAGS.line,
    row: lineRow,
    counted: 'numplan',
  }),
  {
    name: 'end users',
    tables: ['endUsers'],
    async read({ reader, staging, domain, progress }) {
      const total = await countOf(reader, 'enduser');
      let done = 0;
      return await reader.list(
        { operation: 'listUser', criterion: 'userid', tags: TAGS.user },
        {
          toRow: (user) => endUserRow(user, domain),
          // A query for display names each.
          batchRows: 1_000,
          async onRows(rows) {
            await staging.put(SYNCED.endUsers, await withDisplayNames(reader, rows));
            done += rows.length;
            progress(done, total);
          },
        },
      );
    },
  },
  {
    name: 'associations',
    tables: ['deviceLines', 'userDevices', 'userGroups'],
    async read({ reader, staging, progress }) {
      let done = 0;
      const read = (name: 'deviceLines' | 'userDevices' | 'userGroups'): Promise<number> =>
        reader.sql(associations[name].select, {
          toRow: associations[name].row,
          async onRows(rows) {
            await staging.put(SYNCED[name], rows);
            done += rows.length;
            progress(done, null);
          },
        });
      // CUCM makes a page of one while a page of another is read and stored.
      await together([read('deviceLines'), read('userDevices'), read('userGroups')]);
      return done;
    },
  },
];

/** End users with the display names that neither `listUser` nor a narrow `getUser` carries. */
export async function withDisplayNames(reader: AxlReader, users: readonly StagedRow[]): Promise<StagedRow[]> {
  const names = await displayNames(
    reader,
    users.map((user) => String(user.pkid)),
  );
  return users.map((user) => {
    const displayname = names.get(String(user.pkid)) ?? '';
    return displayname === '' ? user : { ...user, displayname };
  });
}
