/** Tables beside those of the objects: who has what. Names and columns are CUCM's (docs/services/mock-cucm.md). */
export interface Relation {
  readonly table: string;
  /** Column definitions after `pkid`. */
  readonly columns: readonly string[];
  readonly unique?: readonly (readonly string[])[];
  readonly indexes?: readonly string[];
  /** Whose change a row's change is; `tag` where one column is one tag of its owner. */
  readonly owners?: readonly {
    readonly column: string;
    readonly type: string;
    readonly tag?: string;
    readonly from?: string;
  }[];
  /** Not to be seen by SQL of clients. */
  readonly isHidden?: boolean;
}

const to = (column: string, table: string): string =>
  `${column} TEXT NOT NULL REFERENCES ${table}(pkid) ON DELETE CASCADE ON UPDATE CASCADE`;
const maybe = (column: string, table: string, onDelete = 'SET NULL'): string =>
  `${column} TEXT REFERENCES ${table}(pkid) ON DELETE ${onDelete} ON UPDATE CASCADE`;
const words = (column: string, initial = ''): string => `${column} TEXT NOT NULL DEFAULT '${initial}'`;
const whole = (column: string, initial: number | null = null): string =>
  initial === null ? `${column} INTEGER` : `${column} INTEGER NOT NULL DEFAULT ${initial}`;
const flag = (column: string, initial: 't' | 'f' = 'f'): string => words(column, initial);

export const RELATIONS: readonly Relation[] = [
  {
    table: 'enduserdevicemap',
    // 1 controlled device, 5 user profile, 7 CTI profile.
    columns: [
      to('fkenduser', 'enduser'),
      to('fkdevice', 'device'),
      flag('defaultprofile'),
      whole('tkuserassociation', 1),
    ],
    unique: [['fkenduser', 'fkdevice', 'tkuserassociation']],
    indexes: ['fkdevice'],
    owners: [{ column: 'fkenduser', type: 'User' }],
  },
  {
    table: 'enduserdirgroupmap',
    columns: [to('fkenduser', 'enduser'), to('fkdirgroup', 'dirgroup')],
    unique: [['fkenduser', 'fkdirgroup']],
    indexes: ['fkdirgroup'],
    owners: [{ column: 'fkenduser', type: 'User' }],
  },
  {
    table: 'endusernumplanmap',
    // 1 primary extension.
    columns: [to('fkenduser', 'enduser'), to('fknumplan', 'numplan'), whole('tkdnusage', 1)],
    unique: [['fkenduser', 'tkdnusage']],
    indexes: ['fknumplan'],
    owners: [{ column: 'fkenduser', type: 'User' }],
  },
  {
    table: 'applicationuserdevicemap',
    columns: [to('fkapplicationuser', 'applicationuser'), to('fkdevice', 'device'), whole('tkuserassociation', 1)],
    unique: [['fkapplicationuser', 'fkdevice', 'tkuserassociation']],
    indexes: ['fkdevice'],
    owners: [{ column: 'fkapplicationuser', type: 'AppUser' }],
  },
  {
    table: 'applicationuserdirgroupmap',
    columns: [to('fkapplicationuser', 'applicationuser'), to('fkdirgroup', 'dirgroup')],
    unique: [['fkapplicationuser', 'fkdirgroup']],
    indexes: ['fkdirgroup'],
    owners: [{ column: 'fkapplicationuser', type: 'AppUser' }],
  },
  {
    table: 'functionrole',
    columns: [words('name'), words('description'), flag('isstandard')],
    unique: [['name COLLATE NOCASE']],
  },
  {
    table: 'functionroledirgroupmap',
    columns: [to('fkfunctionrole', 'functionrole'), to('fkdirgroup', 'dirgroup')],
    unique: [['fkdirgroup', 'fkfunctionrole']],
    owners: [{ column: 'fkdirgroup', type: 'UserGroup' }],
  },
  {
    table: 'devicenumplanmap',
    columns: [
      to('fkdevice', 'device'),
      to('fknumplan', 'numplan'),
      whole('numplanindex', 1),
      words('label'),
      words('display'),
      words('displayascii'),
      words('e164mask'),
      // Unset means the default of the schema.
      ...[
        'ringsetting',
        'consecutiveringsetting',
        'ringsettingidlepickupalert',
        'ringsettingactivepickupalert',
        'mwlpolicy',
        'recordingprofilename',
        'monitoringcssname',
        'recordingflag',
        'audiblemwi',
        'speeddial',
        'partitionusage',
        'recordingmediasource',
      ].map((column) => `${column} TEXT`),
      whole('maxnumcalls', 2),
      whole('busytrigger', 1),
      flag('callername', 't'),
      flag('callernumber'),
      flag('redirectednumber'),
      flag('dialednumber', 't'),
      flag('missedcalllogging', 't'),
    ],
    unique: [['fkdevice', 'numplanindex']],
    indexes: ['fknumplan'],
    owners: [{ column: 'fkdevice', type: 'Phone' }],
  },
  {
    table: 'devicenumplanmapendusermap',
    columns: [to('fkdevicenumplanmap', 'devicenumplanmap'), to('fkenduser', 'enduser')],
    unique: [['fkdevicenumplanmap', 'fkenduser']],
    indexes: ['fkenduser'],
    owners: [{ column: 'fkenduser', type: 'User' }],
  },
  {
    table: 'callforwarddynamic',
    columns: [
      to('fknumplan', 'numplan'),
      words('cfadestination'),
      flag('cfavoicemailenabled'),
      words('cfacssname'),
      words('cfasecondarycssname'),
    ],
    unique: [['fknumplan']],
    owners: [{ column: 'fknumplan', type: 'Line' }],
  },
  {
    table: 'dnddynamic',
    columns: [to('fkdevice', 'device'), flag('dndstatus')],
    unique: [['fkdevice']],
    owners: [{ column: 'fkdevice', type: 'Phone', tag: 'dndStatus', from: 'dndstatus' }],
  },
  {
    table: 'credential',
    columns: [
      maybe('fkenduser', 'enduser', 'CASCADE'),
      maybe('fkapplicationuser', 'applicationuser', 'CASCADE'),
      words('credentials'),
      // 3 password, 4 PIN, 1 digest.
      whole('tkcredential', 3),
      maybe('fkcredentialpolicy', 'credentialpolicy'),
      flag('usercantchange'),
      flag('usermustchange'),
      flag('doesnotexpire'),
      whole('timechanged', 0),
      whole('timeadminlockout', 0),
      flag('lockedbyadministrator'),
      whole('hackcount', 0),
    ],
    unique: [
      ['fkenduser', 'tkcredential'],
      ['fkapplicationuser', 'tkcredential'],
    ],
  },
  {
    table: 'ucservicexml',
    columns: [to('fkucservice', 'ucservice'), words('xml')],
    unique: [['fkucservice']],
    owners: [{ column: 'fkucservice', type: 'UcService' }],
  },
  {
    table: 'ucserviceprofiledetail',
    columns: [
      to('fkucserviceprofile', 'ucserviceprofile'),
      whole('tkucservice', 0),
      maybe('fkucservice_1', 'ucservice'),
      maybe('fkucservice_2', 'ucservice'),
      maybe('fkucservice_3', 'ucservice'),
      words('servercertificateverification'),
      words('xml'),
    ],
    unique: [['fkucserviceprofile', 'tkucservice']],
    owners: [{ column: 'fkucserviceprofile', type: 'ServiceProfile' }],
  },
  {
    table: 'ldapauthentication',
    columns: [flag('authenticateendusers'), words('distinguishedname'), words('ldappassword'), words('usersearchbase')],
  },
  {
    table: 'ldapauthenticationhost',
    columns: [
      whole('tkldapprotocol', 1),
      words('hostname'),
      whole('priority', 1),
      flag('sslenabled'),
      whole('portnumber', 389),
    ],
  },
  // What was sent and is not looked into: vendorConfig, speeddials …
  {
    table: 'mockfragment',
    columns: ['fkobject TEXT NOT NULL', 'type TEXT NOT NULL', 'tag TEXT NOT NULL', 'xml TEXT NOT NULL'],
    unique: [['fkobject', 'tag']],
    isHidden: true,
  },
];
