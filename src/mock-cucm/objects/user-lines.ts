import { attribute, element, elements, textOf, type XmlElement } from '../../xml/element.ts';
import { join, textElement, element as wrap } from '../../xml/write.ts';
import { AxlFault } from '../message/axl-fault.ts';
import { braced } from '../message/values.ts';
import type { Reading, Writing } from '../store/access.ts';
import { computed, group, type PartsMode, parts } from './field.ts';

/** `endusernumplanmap.tkdnusage` of the primary extension. */
const PRIMARY = 1;

const ofPrimary = (column: string): string =>
  `(SELECT ${column} FROM endusernumplanmap m JOIN numplan n ON n.pkid = m.fknumplan
    LEFT JOIN routepartition p ON p.pkid = n.fkroutepartition
    WHERE m.fkenduser = t.pkid AND m.tkdnusage = ${PRIMARY})`;

/** The number that stands for the user: one of those on the devices the user controls. */
export const primaryExtension = group(
  'primaryExtension',
  'augl',
  [
    computed('pattern', 'augl', ofPrimary('n.dnorpattern')),
    computed('routePartitionName', 'augl', ofPrimary('p.name')),
  ],
  (writing, pkid, sent) => {
    const pattern = childText(sent, 'pattern');
    if (pattern === '') {
      writing.run('DELETE FROM endusernumplanmap WHERE fkenduser = ? AND tkdnusage = 1', pkid);
      return;
    }
    const line = lineNamed(writing, pattern, childText(sent, 'routePartitionName'));
    if (line === undefined) throw new AxlFault(5007, 'Item not valid: The specified Line was not found');
    writing.run(
      `INSERT INTO endusernumplanmap (pkid, fkenduser, fknumplan, tkdnusage) VALUES (?, ?, ?, 1)
       ON CONFLICT (fkenduser, tkdnusage) DO UPDATE SET fknumplan = excluded.fknumplan WHERE fknumplan <> excluded.fknumplan`,
      writing.newPkid(),
      pkid,
      line,
    );
  },
);

/** A primary extension must sit on one of the user's devices. */
export function checkPrimaryExtension(writing: Writing, pkid: string): void {
  const stray = writing.get<{ dnorpattern: string }>(
    `SELECT n.dnorpattern FROM endusernumplanmap e JOIN numplan n ON n.pkid = e.fknumplan
     WHERE e.fkenduser = ? AND e.tkdnusage = 1 AND NOT EXISTS (
       SELECT 1 FROM enduserdevicemap u JOIN devicenumplanmap d ON d.fkdevice = u.fkdevice
       WHERE u.fkenduser = e.fkenduser AND d.fknumplan = e.fknumplan)`,
    pkid,
  );
  if (!stray) return;
  throw new AxlFault(
    5003,
    `The primary extension ${stray.dnorpattern} is not a directory number of a device associated with the user`,
  );
}

/** The pkid of a directory number; '' is the null partition. */
export function lineNamed(reading: Reading, pattern: string, partition: string): string | undefined {
  const sql =
    partition === ''
      ? 'SELECT pkid FROM numplan WHERE dnorpattern = ? AND tkpatternusage = 2 AND fkroutepartition IS NULL'
      : `SELECT n.pkid FROM numplan n JOIN routepartition p ON p.pkid = n.fkroutepartition
         WHERE n.dnorpattern = ? AND n.tkpatternusage = 2 AND p.name = ? COLLATE NOCASE`;
  return reading.get<{ pkid: string }>(sql, ...(partition === '' ? [pattern] : [pattern, partition]))?.pkid;
}

export function childText(parent: XmlElement, tag: string): string {
  const child = element(parent, tag);
  return child ? textOf(child).trim() : '';
}

interface Appearance {
  readonly pkid: string;
  readonly device: string;
  readonly product: string;
  readonly pattern: string;
  readonly partition: string | null;
  readonly description: string;
}

/** Line appearances whose state makes the user's presence. */
export const lineAppearances = parts(
  'lineAppearanceAssociationForPresences',
  'aug',
  (reading, pkid) =>
    join(
      reading
        .all<Appearance>(
          `SELECT m.pkid, d.name AS device, y.name AS product, n.dnorpattern AS pattern, p.name AS partition, d.description
           FROM devicenumplanmapendusermap e JOIN devicenumplanmap m ON m.pkid = e.fkdevicenumplanmap
           JOIN device d ON d.pkid = m.fkdevice JOIN numplan n ON n.pkid = m.fknumplan
           LEFT JOIN typeproduct y ON y.enum = d.tkproduct LEFT JOIN routepartition p ON p.pkid = n.fkroutepartition
           WHERE e.fkenduser = ? ORDER BY d.name, m.numplanindex`,
          pkid,
        )
        .map((row) =>
          wrap(
            'lineAppearanceAssociationForPresence',
            { uuid: braced(row.pkid) },
            textElement('laapAssociate', 't'),
            textElement('laapProductType', row.product ?? ''),
            textElement('laapDeviceName', row.device),
            textElement('laapDirectory', row.pattern),
            textElement('laapPartition', row.partition ?? ''),
            textElement('laapDescription', row.description),
          ),
        ),
    ),
  (writing, pkid, sent) => {
    writing.run('DELETE FROM devicenumplanmapendusermap WHERE fkenduser = ?', pkid);
    for (const each of elements(sent, 'lineAppearanceAssociationForPresence')) {
      if (['f', 'false', '0'].includes(childText(each, 'laapAssociate').toLowerCase())) continue;
      const row = writing.get<{ pkid: string }>(
        `SELECT m.pkid FROM devicenumplanmap m JOIN device d ON d.pkid = m.fkdevice JOIN numplan n ON n.pkid = m.fknumplan
         LEFT JOIN routepartition p ON p.pkid = n.fkroutepartition
         WHERE d.name = ? COLLATE NOCASE AND n.dnorpattern = ? AND coalesce(p.name, '') = ? COLLATE NOCASE`,
        childText(each, 'laapDeviceName'),
        childText(each, 'laapDirectory'),
        childText(each, 'laapPartition'),
      );
      if (!row) throw new AxlFault(5007, 'Item not valid: The specified Line Appearance was not found');
      writing.run(
        'INSERT OR IGNORE INTO devicenumplanmapendusermap (pkid, fkdevicenumplanmap, fkenduser) VALUES (?, ?, ?)',
        writing.newPkid(),
        row.pkid,
        pkid,
      );
    }
  },
);

interface Extension {
  readonly line: string;
  readonly usage: number;
  readonly pattern: string;
  readonly partitionid: string | null;
  readonly partition: string | null;
}

/** The user's numbers in their order; the first is the primary extension. */
export const extensionsInfo = parts(
  'extensionsInfo',
  'aug',
  (reading, pkid) =>
    join(
      reading
        .all<Extension>(
          `SELECT n.pkid AS line, m.tkdnusage AS usage, n.dnorpattern AS pattern, p.pkid AS partitionid, p.name AS partition
           FROM endusernumplanmap m JOIN numplan n ON n.pkid = m.fknumplan
           LEFT JOIN routepartition p ON p.pkid = n.fkroutepartition WHERE m.fkenduser = ? ORDER BY m.tkdnusage`,
          pkid,
        )
        .map((row) =>
          wrap(
            'extension',
            undefined,
            textElement('sortOrder', row.usage - 1),
            textElement('pattern', row.pattern, { uuid: braced(row.line) }),
            textElement('routePartition', row.partition ?? ''),
            textElement('linePrimaryUri', ''),
            textElement('partition', row.partition ?? '', {
              uuid: row.partitionid === null ? undefined : braced(row.partitionid),
            }),
          ),
        ),
    ),
  writeExtensions,
  { adds: 'addExtensionsInfo', removes: 'removeExtensionsInfo' },
);

function writeExtensions(writing: Writing, pkid: string, sent: XmlElement, mode: PartsMode): void {
  if (mode === 'set') writing.run('DELETE FROM endusernumplanmap WHERE fkenduser = ?', pkid);
  for (const each of elements(sent, 'extension')) {
    const named = element(each, 'pattern');
    const byId = named && attribute(named, 'uuid');
    const partition = childText(each, 'routePartition') || childText(each, 'partition');
    const line =
      byId !== undefined && byId !== ''
        ? writing.get<{ pkid: string }>(
            'SELECT pkid FROM numplan WHERE pkid = ?',
            byId.replace(/[{}]/g, '').toLowerCase(),
          )?.pkid
        : lineNamed(writing, childText(each, 'pattern'), partition);
    if (line === undefined) throw new AxlFault(5007, 'Item not valid: The specified Line was not found');
    writing.run('DELETE FROM endusernumplanmap WHERE fkenduser = ? AND fknumplan = ?', pkid, line);
    if (mode === 'remove') continue;
    writing.run(
      `INSERT INTO endusernumplanmap (pkid, fkenduser, fknumplan, tkdnusage)
       SELECT ?, ?, ?, coalesce(max(tkdnusage), 0) + 1 FROM endusernumplanmap WHERE fkenduser = ?`,
      writing.newPkid(),
      pkid,
      line,
      pkid,
    );
  }
}
