import type { CucmFixture } from '../fixture.ts';
import { CREDENTIAL, hashCredential } from '../objects/credentials.ts';
import type { SqlValue, Writing } from './access.ts';
import { spelled } from './pkid.ts';

export interface GeneratorOptions {
  readonly users: number;
  readonly userPrefix: string;
  readonly seed: number;
  readonly fixture: CucmFixture;
}

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
 * holds some already gets the rest. Prepared inserts in the caller's one transaction.
 */
export function generateUsers(writing: Writing, options: GeneratorOptions): void {
  const { userPrefix: prefix, users } = options;
  const highest =
    writing.get<{ userid: string | null }>(
      "SELECT max(userid) AS userid FROM enduser WHERE userid LIKE ? ESCAPE '\\' AND length(userid) = ?",
      `${prefix.replace(/[\\%_]/g, '\\$&')}%`,
      prefix.length + DIGITS,
    )?.userid ?? '';
  const from = Number(highest.slice(prefix.length)) || 0;
  if (from >= users) return;
  const common = readCommon(writing, options.fixture);
  const random = createRandom(options.seed);
  // The random stream is the same whether or not the first users exist already.
  for (let index = 1; index <= users; index += 1) {
    const user = shapeOf(index, random, options);
    if (index > from) insertUser(writing, user, common);
  }
}

interface GeneratedUser {
  readonly userid: string;
  /** 30 hexadecimal digits; the first two of each key tell the table apart. */
  readonly key: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly mailid: string;
  readonly department: string;
  readonly title: string;
  readonly manager: string;
  readonly number: string;
  readonly isPresenceUser: boolean;
  readonly hasCti: boolean;
  readonly phones: readonly { readonly name: string; readonly product: string }[];
}

function shapeOf(index: number, random: () => number, options: GeneratorOptions): GeneratedUser {
  const { userPrefix, fixture } = options;
  const pick = <T>(values: readonly T[]): T => values[random() % values.length] as T;
  const spell = (number: number): string => `${userPrefix}${String(number).padStart(DIGITS, '0')}`;
  const userid = spell(index);
  const hex = (): string => random().toString(16).padStart(8, '0');
  const key = (hex() + hex() + hex() + hex()).slice(0, 30);
  const firstName = pick(FIRST_NAMES);
  const lastName = pick(LAST_NAMES);
  const kind = random() % 100;
  const desk = { name: `SEP${key.slice(0, 12).toUpperCase()}`, product: pick(DESK_PHONES) };
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
    hasCti: random() % 100 < 40,
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

function insertUser(writing: Writing, user: GeneratedUser, common: Common): void {
  const id = (table: string): string => spelled(table + user.key);
  const enduser = id('e1');
  const line = id('f0');
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
  writing.run(
    'INSERT INTO numplan (pkid, dnorpattern, description, alertingname, tkpatternusage, fkmatrix_presence) VALUES (?, ?, ?, ?, 2, ?)',
    line,
    user.number,
    `${user.firstName} ${user.lastName}`,
    `${user.firstName} ${user.lastName}`,
    common.presenceGroup,
  );
  for (const [at, phone] of user.phones.entries()) insertPhone(writing, user, phone, at, { enduser, line, id, common });
  writing.run(
    'INSERT INTO endusernumplanmap (pkid, fkenduser, fknumplan, tkdnusage) VALUES (?, ?, ?, 1)',
    id('e2'),
    enduser,
    line,
  );
  const inGroup = 'INSERT INTO enduserdirgroupmap (pkid, fkenduser, fkdirgroup) VALUES (?, ?, ?)';
  writing.run(inGroup, id('e3'), enduser, common.endUsers);
  if (user.hasCti) writing.run(inGroup, id('e4'), enduser, common.ctiEnabled);
  const credential = 'INSERT INTO credential (pkid, fkenduser, credentials, tkcredential) VALUES (?, ?, ?, ?)';
  writing.run(credential, id('c3'), enduser, common.password, CREDENTIAL.password);
  writing.run(credential, id('c4'), enduser, common.pin, CREDENTIAL.pin);
}

function insertPhone(
  writing: Writing,
  user: GeneratedUser,
  phone: GeneratedUser['phones'][number],
  at: number,
  rows: {
    readonly enduser: string;
    readonly line: string;
    readonly id: (table: string) => string;
    readonly common: Common;
  },
): void {
  const { common, id } = rows;
  const device = id(`d${at}`);
  const appearance = id(`a${at}`);
  const product = common.products.get(phone.product) ?? null;
  const display = `${user.firstName} ${user.lastName}`;
  writing.run(
    `INSERT INTO device (pkid, name, description, tkproduct, tkmodel, tkclass, tkdeviceprotocol, tkprotocolside, tkdnd,
       fkdevicepool, fklocation, fkcommonphoneconfig, fksipprofile, fkmatrix_presence, fkenduser, allowcticontrolflag, packetcaptureduration)
     VALUES (?, ?, ?, ?, ?, 1, 11, 1, 0, ?, ?, ?, ?, ?, ?, 't', 0)`,
    device,
    phone.name,
    `${display} ${user.number}`,
    product,
    product,
    common.devicePool,
    common.location,
    common.phoneConfig,
    common.sipProfile,
    common.presenceGroup,
    rows.enduser,
  );
  writing.run(
    'INSERT INTO devicenumplanmap (pkid, fkdevice, fknumplan, numplanindex, label, display, displayascii) VALUES (?, ?, ?, 1, ?, ?, ?)',
    appearance,
    device,
    rows.line,
    user.number,
    display,
    user.userid,
  );
  writing.run(
    "INSERT INTO enduserdevicemap (pkid, fkenduser, fkdevice, defaultprofile, tkuserassociation) VALUES (?, ?, ?, 'f', 1)",
    id(`b${at}`),
    rows.enduser,
    device,
  );
  writing.run(
    'INSERT INTO devicenumplanmapendusermap (pkid, fkdevicenumplanmap, fkenduser) VALUES (?, ?, ?)',
    id(`9${at}`),
    appearance,
    rows.enduser,
  );
}
