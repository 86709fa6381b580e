import { attribute, element, elements, textOf, type XmlElement } from '../../xml/element.ts';
import { join, type Markup, textElement, element as wrap } from '../../xml/write.ts';
import { AXL_CODE, AxlFault, notFound } from '../message/axl-fault.ts';
import { braced, parseFlag, parseUuid } from '../message/values.ts';
import type { Reading, SqlValue, Writing } from '../store/access.ts';
import { type PartsMode, parts } from './field.ts';
import { childText, lineNamed } from './user-lines.ts';

interface LineRow {
  readonly pkid: string;
  readonly numplanindex: number;
  readonly fknumplan: string;
  readonly dnorpattern: string;
  readonly partitionid: string | null;
  readonly partition: string | null;
  readonly [column: string]: SqlValue;
}

/** Tags of a line appearance whose column is the tag in lower case, in schema order around `dirn`. */
const BEFORE_DIRN = ['label', 'display'] as const;
const AFTER_DIRN = [
  'ringSetting',
  'consecutiveRingSetting',
  'ringSettingIdlePickupAlert',
  'ringSettingActivePickupAlert',
  'displayAscii',
  'e164Mask',
] as const;
const AFTER_MASK = ['mwlPolicy', 'maxNumCalls', 'busyTrigger'] as const;
const CALL_INFO = ['callerName', 'callerNumber', 'redirectedNumber', 'dialedNumber'] as const;
const AFTER_CALL_INFO = [
  'recordingProfileName',
  'monitoringCssName',
  'recordingFlag',
  'audibleMwi',
  'speedDial',
  'partitionUsage',
] as const;
const TEXTS: readonly string[] = [
  ...BEFORE_DIRN,
  ...AFTER_DIRN,
  'mwlPolicy',
  ...AFTER_CALL_INFO,
  'recordingMediaSource',
];
/** Defaults of the schema, for columns that are unset. */
const DEFAULTS: Readonly<Record<string, string>> = {
  ringSetting: 'Ring',
  consecutiveRingSetting: 'Use System Default',
  ringSettingIdlePickupAlert: 'Use System Default',
  ringSettingActivePickupAlert: 'Use System Default',
  mwlPolicy: 'Use System Policy',
  recordingFlag: 'Call Recording Disabled',
  audibleMwi: 'Default',
  partitionUsage: 'General',
  recordingMediaSource: 'Gateway Preferred',
};
const NUMBERS: readonly string[] = ['maxNumCalls', 'busyTrigger'];

/** Rows of the device/number map, in the order of the buttons. A line that does not exist yet is made. */
export const phoneLines = parts('lines', 'aug', readLines, writeLines, { adds: 'addLines', removes: 'removeLines' });

function readLines(reading: Reading, pkid: string, asked: XmlElement | undefined): Markup {
  const skeleton = asked && element(asked, 'line');
  const rows = reading.all<LineRow>(
    `SELECT m.*, n.dnorpattern, p.pkid AS partitionid, p.name AS partition FROM devicenumplanmap m
     JOIN numplan n ON n.pkid = m.fknumplan LEFT JOIN routepartition p ON p.pkid = n.fkroutepartition
     WHERE m.fkdevice = ? ORDER BY m.numplanindex`,
    pkid,
  );
  if (asked && !skeleton && element(asked, 'lineIdentifier')) {
    return join(
      rows.map((row) =>
        wrap(
          'lineIdentifier',
          undefined,
          textElement('directoryNumber', row.dnorpattern),
          textElement('routePartitionName', row.partition ?? ''),
        ),
      ),
    );
  }
  const wanted = skeleton && elements(skeleton).length > 0 ? new Set(elements(skeleton).map((tag) => tag.local)) : null;
  return join(rows.map((row) => lineElement(reading, row, wanted)));
}

function lineElement(reading: Reading, row: LineRow, wanted: ReadonlySet<string> | null): Markup {
  const plain = (tag: string): readonly [string, Markup] => [
    tag,
    textElement(tag, row[tag.toLowerCase()] || DEFAULTS[tag] || ''),
  ];
  const yes = (tag: string): Markup => textElement(tag, row[tag.toLowerCase()] === 't' ? 'true' : 'false');
  const tags: (readonly [string, Markup])[] = [
    ['index', textElement('index', row.numplanindex)],
    ...BEFORE_DIRN.map(plain),
    ['dirn', dirn(row)],
    ...AFTER_DIRN.map(plain),
    ['dialPlanWizardId', textElement('dialPlanWizardId', '')],
    ...AFTER_MASK.map(plain),
    ['callInfoDisplay', wrap('callInfoDisplay', undefined, ...CALL_INFO.map(yes))],
    ...AFTER_CALL_INFO.map(plain),
    ['associatedEndusers', endUsersOf(reading, row.pkid)],
    ['missedCallLogging', yes('missedCallLogging')],
    plain('recordingMediaSource'),
  ];
  const inside = tags.filter(([tag]) => wanted === null || wanted.has(tag)).map(([, markup]) => markup);
  return wrap('line', { uuid: braced(row.pkid) }, ...inside);
}

function dirn(row: LineRow): Markup {
  return wrap(
    'dirn',
    { uuid: braced(row.fknumplan) },
    textElement('pattern', row.dnorpattern),
    textElement('routePartitionName', row.partition ?? '', {
      uuid: row.partitionid === null ? undefined : braced(row.partitionid),
    }),
  );
}

function endUsersOf(reading: Reading, map: string): Markup {
  const users = reading.all<{ userid: string }>(
    `SELECT u.userid FROM devicenumplanmapendusermap m JOIN enduser u ON u.pkid = m.fkenduser
     WHERE m.fkdevicenumplanmap = ? ORDER BY u.userid`,
    map,
  );
  return wrap(
    'associatedEndusers',
    undefined,
    ...users.map((user) => wrap('enduser', undefined, textElement('userId', user.userid))),
  );
}

function writeLines(writing: Writing, pkid: string, sent: XmlElement, mode: PartsMode): void {
  const lines = elements(sent, 'line');
  const identifiers = elements(sent, 'lineIdentifier');
  if (mode === 'set') writing.run('DELETE FROM devicenumplanmap WHERE fkdevice = ?', pkid);
  for (const line of lines) {
    if (mode === 'remove') takeLine(writing, pkid, lineOf(writing, line));
    else putLine(writing, pkid, line, lineOf(writing, line));
  }
  for (const each of identifiers) {
    const found = findOrMake(writing, childText(each, 'directoryNumber'), childText(each, 'routePartitionName'));
    if (mode === 'remove') takeLine(writing, pkid, found);
    else putLine(writing, pkid, undefined, found);
  }
}

function takeLine(writing: Writing, device: string, line: string): void {
  writing.run('DELETE FROM devicenumplanmap WHERE fkdevice = ? AND fknumplan = ?', device, line);
}

function lineOf(writing: Writing, sent: XmlElement): string {
  const named = element(sent, 'dirn');
  if (!named) throw new AxlFault(AXL_CODE.invalid, 'A line must name its directory number in dirn');
  const byId = parseUuid(attribute(named, 'uuid') ?? '');
  if (byId !== undefined) {
    const row = writing.get<{ pkid: string }>('SELECT pkid FROM numplan WHERE pkid = ?', byId);
    if (!row) throw notFound('Line');
    return row.pkid;
  }
  return findOrMake(writing, childText(named, 'pattern'), childText(named, 'routePartitionName'));
}

/** A directory number that does not exist is created by the phone that wants it. */
function findOrMake(writing: Writing, pattern: string, partition: string): string {
  if (pattern === '') throw new AxlFault(AXL_CODE.invalid, 'A line must name its directory number in dirn');
  const found = lineNamed(writing, pattern, partition);
  if (found !== undefined) return found;
  const inPartition =
    partition === ''
      ? null
      : writing.get<{ pkid: string }>('SELECT pkid FROM routepartition WHERE name = ? COLLATE NOCASE', partition);
  if (inPartition === undefined) throw notFound('RoutePartition');
  const pkid = writing.newPkid();
  writing.run(
    `INSERT INTO numplan (pkid, dnorpattern, tkpatternusage, fkroutepartition) VALUES (?, ?, 2, ?)`,
    pkid,
    pattern,
    inPartition?.pkid ?? null,
  );
  return pkid;
}

function putLine(writing: Writing, device: string, sent: XmlElement | undefined, line: string): void {
  const indexText = sent ? childText(sent, 'index') : '';
  const values: Record<string, SqlValue> = { fkdevice: device, fknumplan: line };
  if (indexText === '') {
    values.numplanindex =
      writing.get<{ next: number }>(
        'SELECT coalesce(max(numplanindex), 0) + 1 AS next FROM devicenumplanmap WHERE fkdevice = ?',
        device,
      )?.next ?? 1;
  } else {
    values.numplanindex = wholeNumber('index', indexText);
  }
  for (const child of sent ? elements(sent) : []) {
    const value = textOf(child).trim();
    if (TEXTS.includes(child.local)) values[child.local.toLowerCase()] = value;
    else if (NUMBERS.includes(child.local) && value !== '') {
      values[child.local.toLowerCase()] = wholeNumber(child.local, value);
    } else if (child.local === 'missedCallLogging') {
      values.missedcalllogging = parseFlag(child.local, value) ? 't' : 'f';
    } else if (child.local === 'callInfoDisplay') {
      for (const part of elements(child)) {
        if (CALL_INFO.some((tag) => tag === part.local)) {
          values[part.local.toLowerCase()] = parseFlag(part.local, textOf(part)) ? 't' : 'f';
        }
      }
    }
  }
  // The button's former line gives way.
  writing.run(
    'DELETE FROM devicenumplanmap WHERE fkdevice = ? AND (numplanindex = ? OR fknumplan = ?)',
    device,
    values.numplanindex as number,
    line,
  );
  const pkid = writing.newPkid();
  const columns = Object.keys(values);
  writing.run(
    `INSERT INTO devicenumplanmap (pkid, ${columns.join(', ')}) VALUES (?${', ?'.repeat(columns.length)})`,
    pkid,
    ...Object.values(values),
  );
  const users = sent && element(sent, 'associatedEndusers');
  for (const each of users ? elements(users, 'enduser') : []) {
    const user = writing.get<{ pkid: string }>(
      'SELECT pkid FROM enduser WHERE userid = ? COLLATE NOCASE',
      childText(each, 'userId'),
    );
    if (!user) throw notFound('User');
    writing.run(
      'INSERT OR IGNORE INTO devicenumplanmapendusermap (pkid, fkdevicenumplanmap, fkenduser) VALUES (?, ?, ?)',
      writing.newPkid(),
      pkid,
      user.pkid,
    );
  }
}

function wholeNumber(tag: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new AxlFault(AXL_CODE.invalid, `The value of ${tag} is not a number`);
  return Number(value);
}
