import type Sqlite from 'better-sqlite3';
import { attribute, element, elements, textOf, type XmlElement } from '../../src/xml/element.ts';
import { textElement } from '../../src/xml/write.ts';
import type { MockProcess } from '../support/mock-process.ts';

type Row = Readonly<Record<string, string>>;
type Rows = ReadonlyMap<string, Row>;

const childText = (row: XmlElement, ...path: readonly string[]): string => {
  const found = path.reduce<XmlElement | undefined>((at, name) => at && element(at, name), row);
  return found ? textOf(found).trim() : '';
};
const flag = (value: string): string => (value === 'true' || value === 't' ? '1' : '0');
const PAGE = 1_000;

/** Rows of a table of the IDS that are not removed, by key; values as text. */
function known(
  database: Sqlite.Database,
  table: string,
  key: string,
  columns: readonly string[],
  where = 'TRUE',
): Rows {
  const rows = database
    .prepare(`SELECT ${key} AS "the key", ${columns.join(', ')} FROM ${table} WHERE ${where}`)
    .all() as Record<string, string | number | null>[];
  return new Map(
    rows.map(({ 'the key': at, ...row }) => [
      String(at),
      Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value === null ? '' : String(value)])),
    ]),
  );
}

/** Objects by a list operation, by pkid: each column by what AXL shows. */
async function listed(
  mock: MockProcess,
  operation: string,
  criterion: string,
  columns: Readonly<Record<string, readonly [tag: string, as?: 'flag']>>,
): Promise<Map<string, Row>> {
  const tags = Object.values(columns).map(([tag]) => `<${tag}/>`);
  const found = new Map<string, Row>();
  for (let skip = 0; ; skip += PAGE) {
    const response = await mock.call(
      operation,
      `<searchCriteria>${textElement(criterion, '%')}</searchCriteria><returnedTags>${tags.join('')}</returnedTags><skip>${skip}</skip><first>${PAGE}</first>`,
    );
    const rows = elements(element(response, 'return') ?? response);
    for (const row of rows) {
      found.set(
        (attribute(row, 'uuid') ?? '').replace(/[{}]/g, '').toLowerCase(),
        Object.fromEntries(
          Object.entries(columns).map(([column, [tag, as]]) => {
            const value = tag === 'primaryExtension' ? childText(row, tag, 'pattern') : childText(row, tag);
            return [column, as === 'flag' ? flag(value) : value];
          }),
        ),
      );
    }
    if (rows.length < PAGE) return found;
  }
}

/** Rows by SQL, by the values of `key`. */
async function queried(mock: MockProcess, table: string, key: readonly string[], columns: readonly string[]) {
  const found = new Map<string, Row>();
  const names = [...new Set(['pkid', ...key, ...columns])];
  for (let after = ''; ; ) {
    const response = await mock.call(
      'executeSQLQuery',
      textElement(
        'sql',
        `select first ${PAGE} ${names.join(', ')} from ${table} where pkid > '${after}' order by pkid`,
      ),
    );
    const rows = elements(element(response, 'return') ?? response);
    for (const row of rows) {
      found.set(
        key.map((name) => childText(row, name)).join(' '),
        Object.fromEntries(columns.map((name) => [name, childText(row, name)])),
      );
      after = childText(row, 'pkid');
    }
    if (rows.length < PAGE) return found;
  }
}

const USER = {
  userid: ['userid'],
  firstname: ['firstName'],
  middlename: ['middleName'],
  lastname: ['lastName'],
  mailid: ['mailid'],
  department: ['department'],
  title: ['title'],
  manager: ['manager'],
  telephonenumber: ['telephoneNumber'],
  homenumber: ['homeNumber'],
  mobilenumber: ['mobileNumber'],
  pagernumber: ['pagerNumber'],
  directoryuri: ['directoryUri'],
  serviceprofile: ['serviceProfile'],
  primaryextension: ['primaryExtension'],
  enablecups: ['imAndPresenceEnable', 'flag'],
  islocaluser: ['homeCluster', 'flag'],
  enablecalendarpresence: ['calendarPresence', 'flag'],
  status: ['status'],
} as const;
const DEVICE = {
  name: ['name'],
  description: ['description'],
  product: ['product'],
  model: ['model'],
  protocol: ['protocol'],
  devicepool: ['devicePoolName'],
  owneruserid: ['ownerUserName'],
  allowcticontrol: ['allowCtiControlFlag', 'flag'],
  dndstatus: ['dndStatus', 'flag'],
  dndoption: ['dndOption'],
} as const;
const LINE = {
  dnorpattern: ['pattern'],
  partition: ['routePartitionName'],
  description: ['description'],
  alertingname: ['alertingName'],
} as const;
const MAPS = [
  { table: 'devicenumplanmap', key: ['pkid'], columns: ['fkdevice', 'fknumplan', 'numplanindex', 'label', 'display'] },
  { table: 'enduserdevicemap', key: ['pkid'], columns: ['fkenduser', 'fkdevice', 'tkuserassociation'] },
  { table: 'enduserdirgroupmap', key: ['fkenduser', 'fkdirgroup'], columns: [] },
  { table: 'applicationuserdirgroupmap', key: ['fkapplicationuser', 'fkdirgroup'], columns: [] },
] as const;

/** Everything in which the IDS differs from CUCM, row by row, as sentences. */
export async function differences(mock: MockProcess, database: Sqlite.Database): Promise<string[]> {
  const found: string[] = [];
  const compare = (what: string, cucm: Rows, ids: Rows): void => {
    for (const [key, row] of cucm) {
      const ours = ids.get(key);
      if (!ours) {
        found.push(`${what} ${key} is missing: ${JSON.stringify(row)}`);
        continue;
      }
      for (const [column, value] of Object.entries(row)) {
        const other = (ours[column] ?? '').trim();
        if (other !== value.trim()) found.push(`${what} ${key} ${column}: '${other}' and not '${value}'`);
      }
    }
    for (const [key, row] of ids) if (!cucm.has(key)) found.push(`${what} ${key} is too much: ${JSON.stringify(row)}`);
  };
  const objects = async (
    table: string,
    operation: string,
    criterion: string,
    columns: Readonly<Record<string, readonly [string, 'flag'?]>>,
    where = 'deletedat IS NULL',
  ): Promise<void> =>
    compare(
      table,
      await listed(mock, operation, criterion, columns),
      known(database, table, 'pkid', Object.keys(columns), where),
    );
  await objects('enduser', 'listUser', 'userid', USER);
  await objects('device', 'listPhone', 'name', DEVICE);
  await objects('numplan', 'listLine', 'pattern', LINE);
  await objects('dirgroup', 'listUserGroup', 'name', { name: ['name'] });
  await objects('applicationuser', 'listAppUser', 'userid', { name: ['userid'] });
  await objects('ucserviceprofile', 'listServiceProfile', 'name', { name: ['name'] }, 'TRUE');
  for (const { table, key, columns } of MAPS) {
    const at = key.length === 1 ? key[0] : key.join(` || ' ' || `);
    compare(
      table,
      await queried(mock, table, key, columns),
      known(database, table, String(at), ['1 AS one', ...columns]),
    );
  }
  // The display name is made of the names where CUCM has none.
  const names = await queried(mock, 'enduser', ['pkid'], ['displayname', 'firstname', 'lastname']);
  compare(
    'enduser',
    new Map(
      [...names].map(([pkid, { displayname = '', firstname = '', lastname = '' }]) => [
        pkid,
        { displayname: displayname || `${firstname} ${lastname}`.trim() },
      ]),
    ),
    known(database, 'enduser', 'pkid', ['displayname'], 'deletedat IS NULL'),
  );
  const strays = database
    .prepare(
      `SELECT userid, primarynodeid FROM enduser WHERE deletedat IS NULL
       AND (enablecups = 1 AND islocaluser = 1 AND status = 1) <> (primarynodeid IS NOT NULL)`,
    )
    .all() as { userid: string; primarynodeid: number | null }[];
  for (const stray of strays) found.push(`${stray.userid} has the home node ${stray.primarynodeid}`);
  return found;
}
