import type { CucmFixture } from '../fixture.ts';
import { CREDENTIAL, hashCredential } from '../objects/credentials.ts';
import type { SqlValue, Writing } from './access.ts';
import { spelled } from './pkid.ts';

export interface GeneratorOptions {
  readonly users: number;
  readonly userPrefix: string;
  readonly seed: number;
  readonly fixture: CucmFixture;
  /** Ends it: what is under way is thrown away. */
  readonly signal?: AbortSignal;
  /** Users so far, of how many; told after each slice. */
  readonly onGenerated?: (done: number, total: number) => void;
}

/** Users made in one go; the process listens between two slices. */
const SLICE = 1_000;

const FIRST_NAMES = [
  'Anna',
  'Björn',
  'Chiara',
  'David',
  'Élodie',
  'Farid',
  'Grzegorz',
  'Hana',
  'Ines',
  'Jonas',
  'Keiko',
  'Łucja',
  'Mehmet',
  'Nadia',
  'Øyvind',
  'Priya',
  'Quentin',
  'Rosa',
  'Søren',
  'Tomáš',
  'Uwe',
  'Valentina',
  'Wei',
  'Ximena',
  'Yusuf',
  'Zuzana',
  'Amélie',
  'Boris',
  'Catarina',
  'Dimitri',
] as const;
const LAST_NAMES = [
  'Almeida',
  'Bergström',
  'Castro',
  'Dąbrowski',
  'Ekström',
  'Fournier',
  'García',
  'Horváth',
  'Ivanova',
  'Jørgensen',
  'Kowalski',
  'Lindqvist',
  'Müller',
  'Nguyễn',
  'Okafor',
  'Pérez',
  'Quinn',
  'Rossi',
  'Schäfer',
  'Tanaka',
  'Ueda',
  'Virtanen',
  'Weiß',
  'Xu',
  'Yılmaz',
  'Zhang',
  "O'Brien",
  'van den Berg',
  'Núñez',
  'Smith',
] as const;
const DEPARTMENTS = [
  'Engineering',
  'Sales',
  'Support',
  'Finance',
  'Legal',
  'Operations',
  'Research & Development',
  'Human Resources',
] as const;
const TITLES = ['Engineer', 'Account Manager', 'Analyst', 'Consultant', 'Director', 'Administrator'] as const;
const DESK_PHONES = ['Cisco 7841', 'Cisco 8841', 'Cisco 8851', 'Cisco 8861'] as const;
const SOFT_PHONE = 'Cisco Unified Client Services Framework';
const DIGITS = 6;

/** A small generator of 32-bit numbers (sfc32), so that a seed gives the same users everywhere. */
export function createRandom(seed: number): () => number {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = seed >>> 0;
  let counter = 1;
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let warm = 0; warm < 12; warm += 1) next();
  return next;
}

/** What every row of generated users refers to. */
interface Common {
  readonly presenceGroup: SqlValue;
  readonly devicePool: SqlValue;
  readonly location: SqlValue;
  readonly phoneConfig: SqlValue;
  readonly sipProfile: SqlValue;
  readonly serviceProfile: SqlValue;
  readonly endUsers: SqlValue;
  readonly ctiEnabled: SqlValue;
  readonly products: ReadonlyMap<string, number>;
  readonly password: string;
  readonly pin: string;
}

/**
 * Adds users `prefix000001` … with phones, lines, groups and credentials, those that are missing: a data folder that
 * holds some already gets the rest. In the caller's one transaction, but in slices between which the process does what waits.
 * @throws the signal's reason
 */
export async function generateUsers(writing: Writing, options: GeneratorOptions): Promise<void> {
  const { userPrefix: prefix, users } = options;
  const from = generatedBefore(writing, prefix);
  if (from >= users) return;
  const common = readCommon(writing, options.fixture);
  const random = createRandom(options.seed);
  const rebuild = takeIndexes(writing, users - from);
  // The random stream is the same whether or not the first users exist already.
  for (let index = 1; index <= users; index += 1) {
    const user = shapeOf(index, random, options);
    if (index > from) insertUser(writing, user, common);
    if (index % SLICE === 0 || index === users) {
      options.onGenerated?.(index, users);
      await breathe(options.signal);
    }
  }
  for (const step of [...connect(writing, from, users, common), ...rebuild]) {
    step();
    await breathe(options.signal);
  }
  writing.run(
    `INSERT INTO mockgenerated (prefix, users) VALUES (?, ?) ON CONFLICT (prefix) DO UPDATE SET users = excluded.users`,
    prefix,
    users,
  );
}

/** Lets what waits run, a signal of the system among it. @throws the signal's reason */
async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal?.throwIfAborted();
}

/**
 * How many a data folder has been given. It is written down: the users themselves may have been removed or renamed, and
 * one that was removed does not come back with the next start.
 */
function generatedBefore(writing: Writing, prefix: string): number {
  writing.run('CREATE TABLE IF NOT EXISTS mockgenerated (prefix TEXT PRIMARY KEY, users INTEGER NOT NULL) STRICT');
  const noted = writing.get<{ users: number }>('SELECT users FROM mockgenerated WHERE prefix = ?', prefix);
  if (noted) return noted.users;
  // A data folder of an earlier release.
  const highest = writing.get<{ userid: string | null }>(
    "SELECT max(userid) AS userid FROM enduser WHERE userid LIKE ? ESCAPE '\\' AND length(userid) = ?",
    `${prefix.replace(/[\\%_]/g, '\\$&')}%`,
    prefix.length + DIGITS,
  );
  return Number(highest?.userid?.slice(prefix.length)) || 0;
}

/** From so many users on it is faster to make the indexes anew than to keep them up. */
const MANY_USERS = 2_000;
const FILLED = [
  'enduser',
  'numplan',
  'device',
  'devicenumplanmap',
  'devicenumplanmapendusermap',
  'enduserdevicemap',
  'endusernumplanmap',
  'enduserdirgroupmap',
  'credential',
] as const;

/** Drops the indexes of the tables that are filled; the answer makes them again, a step each. */
function takeIndexes(writing: Writing, count: number): readonly (() => void)[] {
  if (count < MANY_USERS) return [];
  const indexes = writing.all<{ name: string; sql: string }>(
    `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
     AND tbl_name IN (${FILLED.map((table) => `'${table}'`).join(', ')})`,
  );
  for (const index of indexes) writing.run(`DROP INDEX ${index.name}`);
  return indexes.map((index) => () => void writing.run(index.sql));
}

interface GeneratedUser {
  readonly userid: string;
  /** 30 hexadecimal digits; the first two of each key tell the table apart. They grow, so that indexes are appended to. */
  readonly key: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly mailid: string;
  readonly department: string;
  readonly title: string;
  readonly manager: string;
  readonly number: string;
  readonly isPresenceUser: boolean;
  readonly phones: readonly { readonly name: string; readonly product: string }[];
}

function shapeOf(index: number, random: () => number, options: GeneratorOptions): GeneratedUser {
  const { userPrefix, fixture } = options;
  const pick = <T>(values: readonly T[]): T => values[random() % values.length] as T;
  const spell = (number: number): string => `${userPrefix}${String(number).padStart(DIGITS, '0')}`;
  const userid = spell(index);
  const hex = (): string => random().toString(16).padStart(8, '0');
  const random24 = hex() + hex() + hex();
  const key = hexOf(index) + random24;
  const firstName = pick(FIRST_NAMES);
  const lastName = pick(LAST_NAMES);
  const kind = random() % 100;
  const desk = { name: `SEP${random24.slice(0, 12).toUpperCase()}`, product: pick(DESK_PHONES) };
  const soft = { name: `CSF${userid.replace(/[^A-Za-z0-9._-]/g, '-').toUpperCase()}`, product: SOFT_PHONE };
  const manager = index - (index % 25);
  return {
    userid,
    key,
    firstName,
    lastName,
    mailid: `${userid}@${fixture.domain}`,
    department: pick(DEPARTMENTS),
    title: pick(TITLES),
    manager: manager > 0 && manager !== index ? spell(manager) : '',
    number: `2${String(index).padStart(DIGITS, '0')}`,
    isPresenceUser: random() % 100 < 97,
    // Most have a desk phone, some a soft phone beside it, some only that.
    phones: kind < 65 ? [desk] : kind < 85 ? [desk, soft] : [soft],
  };
}

function readCommon(writing: Writing, fixture: CucmFixture): Common {
  const named = (table: string, name: string): SqlValue =>
    writing.get<{ pkid: string }>(`SELECT pkid FROM ${table} WHERE name = ?`, name)?.pkid ?? null;
  const rows = writing.all<{ enum: number; name: string }>('SELECT enum, name FROM typeproduct');
  return {
    presenceGroup: named('matrix', 'Standard Presence group'),
    devicePool: named('devicepool', 'Default'),
    location: named('location', 'Hub_None'),
    phoneConfig: named('commonphoneconfig', 'Standard Common Phone Profile'),
    sipProfile: named('sipprofile', 'Standard SIP Profile'),
    serviceProfile:
      writing.get<{ pkid: string }>("SELECT pkid FROM ucserviceprofile ORDER BY isdefault = 't' DESC LIMIT 1")?.pkid ??
      null,
    endUsers: named('dirgroup', 'Standard CCM End Users'),
    ctiEnabled: named('dirgroup', 'Standard CTI Enabled'),
    products: new Map(rows.map((row) => [row.name, row.enum])),
    // One salt for all: they have the same password anyway.
    password: hashCredential(fixture.credentials.password),
    pin: hashCredential(fixture.credentials.pin),
  };
}

/** Users and devices one by one; what follows from them by `connect`. */
function insertUser(writing: Writing, user: GeneratedUser, common: Common): void {
  const enduser = spelled(`${KEY.user}${user.key}`);
  writing.run(
    `INSERT INTO enduser (pkid, userid, firstname, lastname, displayname, mailid, department, title, manager, telephonenumber,
       directoryuri, status, islocaluser, enablecups, fkmatrix_presence, fkucserviceprofile, maxdeskpickupwaittime,
       remotedestinationlimit, tkuserlocale)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 't', ?, ?, ?, 10000, 4, 'English United States')`,
    enduser,
    user.userid,
    user.firstName,
    user.lastName,
    `${user.firstName} ${user.lastName}`,
    user.mailid,
    user.department,
    user.title,
    user.manager,
    user.number,
    user.mailid,
    user.isPresenceUser ? 't' : 'f',
    common.presenceGroup,
    common.serviceProfile,
  );
  for (const [at, phone] of user.phones.entries()) {
    const product = common.products.get(phone.product) ?? null;
    writing.run(
      `INSERT INTO device (pkid, name, description, tkproduct, tkmodel, tkclass, tkdeviceprotocol, tkprotocolside, tkdnd,
         fkdevicepool, fklocation, fkcommonphoneconfig, fksipprofile, fkmatrix_presence, fkenduser, allowcticontrolflag, packetcaptureduration)
       VALUES (?, ?, ?, ?, ?, 1, 11, 1, 0, ?, ?, ?, ?, ?, ?, 't', 0)`,
      spelled(`${KEY.device}${at}${user.key}`),
      phone.name,
      `${user.firstName} ${user.lastName} ${user.number}`,
      product,
      product,
      common.devicePool,
      common.location,
      common.phoneConfig,
      common.sipProfile,
      common.presenceGroup,
      enduser,
    );
  }
}

/** How the keys of each table begin; the rest of a row's key is that of its user. */
const KEY = {
  user: 'e1',
  line: 'f0',
  primary: 'e2',
  endUserGroup: 'e3',
  ctiGroup: 'e4',
  password: 'c3',
  pin: 'c4',
  device: 'd',
  appearance: 'a',
  control: 'b',
  presence: '9',
} as const;

/** Lines, and who has what, set-wise from the users after `from`, up to `to`, and their devices: a step for each table. */
function connect(writing: Writing, from: number, to: number, common: Common): readonly (() => void)[] {
  // Users of other origin have keys all over; their key beginning just so is out of the question.
  const range = `u.pkid >= '${KEY.user}${hexOf(from + 1)}' AND u.pkid < '${KEY.user}${hexOf(to + 1)}'`;
  const users = `FROM enduser u WHERE ${range}`;
  const ofUser = (prefix: string): string => `'${prefix}' || substr(u.pkid, 3)`;
  const devices = `FROM device d JOIN enduser u ON u.pkid = d.fkenduser
    WHERE d.pkid >= '${KEY.device}0' AND d.pkid < '${KEY.device}a' AND ${range}`;
  const ofDevice = (prefix: string): string => `'${prefix}' || substr(d.pkid, 2)`;
  const step =
    (sql: string, ...values: SqlValue[]) =>
    () =>
      void writing.run(sql, ...values);
  const inGroup = (prefix: string): string =>
    `INSERT INTO enduserdirgroupmap (pkid, fkenduser, fkdirgroup) SELECT ${ofUser(prefix)}, u.pkid, ? ${users}`;
  const credential = (prefix: string): string =>
    `INSERT INTO credential (pkid, fkenduser, credentials, tkcredential) SELECT ${ofUser(prefix)}, u.pkid, ?, ? ${users}`;
  return [
    step(
      `INSERT INTO numplan (pkid, dnorpattern, description, alertingname, tkpatternusage, fkmatrix_presence)
       SELECT ${ofUser(KEY.line)}, u.telephonenumber, u.displayname, u.displayname, 2, ? ${users}`,
      common.presenceGroup,
    ),
    step(
      `INSERT INTO devicenumplanmap (pkid, fkdevice, fknumplan, numplanindex, label, display, displayascii)
       SELECT ${ofDevice(KEY.appearance)}, d.pkid, ${ofUser(KEY.line)}, 1, u.telephonenumber, u.displayname, u.userid ${devices}`,
    ),
    step(
      `INSERT INTO enduserdevicemap (pkid, fkenduser, fkdevice, defaultprofile, tkuserassociation)
       SELECT ${ofDevice(KEY.control)}, u.pkid, d.pkid, 'f', 1 ${devices}`,
    ),
    step(
      `INSERT INTO devicenumplanmapendusermap (pkid, fkdevicenumplanmap, fkenduser)
       SELECT ${ofDevice(KEY.presence)}, ${ofDevice(KEY.appearance)}, u.pkid ${devices}`,
    ),
    step(
      `INSERT INTO endusernumplanmap (pkid, fkenduser, fknumplan, tkdnusage)
       SELECT ${ofUser(KEY.primary)}, u.pkid, ${ofUser(KEY.line)}, 1 ${users}`,
    ),
    step(inGroup(KEY.endUserGroup), common.endUsers),
    // Some three of eight may control their phones from a computer: as the last digit of the key falls.
    step(`${inGroup(KEY.ctiGroup)} AND substr(u.pkid, 36) < '6'`, common.ctiEnabled),
    step(credential(KEY.password), common.password, CREDENTIAL.password),
    step(credential(KEY.pin), common.pin, CREDENTIAL.pin),
  ];
}

function hexOf(index: number): string {
  return index.toString(16).padStart(DIGITS, '0');
}
