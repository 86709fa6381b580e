import { element, elements, textOf } from '../../src/xml/element.ts';
import { textElement } from '../../src/xml/write.ts';
import type { MockProcess } from '../support/mock-process.ts';
import { oneOf, type Random } from '../support/random.ts';

/** One change of CUCM by one AXL request or a few. */
export interface Change {
  readonly kind: string;
  /** What is sent, one after the other. */
  readonly steps: readonly (readonly [operation: string, inside: string])[];
  /** Called when CUCM has done it. */
  readonly done?: () => void;
  /** Called when CUCM does not know what it speaks of. */
  readonly gone?: () => void;
}

export interface RandomChanges {
  next(): Change;
}

/** What exists in CUCM as far as is known: an answer that was lost leaves a doubt, which a refusal ends. */
interface Known {
  readonly users: string[];
  readonly phones: string[];
  readonly lines: string[];
  readonly groups: string[];
  readonly applications: string[];
  readonly profiles: string[];
  readonly partitions: string[];
}

const STANDARD_GROUPS = ['Standard CCM End Users', 'Standard CTI Enabled', 'Admin-3rd Party API'];
const TEXT_TAGS = [
  'firstName',
  'middleName',
  'lastName',
  'displayName',
  'mailid',
  'department',
  'manager',
  'directoryUri',
  'telephoneNumber',
  'title',
  'mobileNumber',
  'homeNumber',
  'pagerNumber',
] as const;
const FLAG_TAGS = ['homeCluster', 'imAndPresenceEnable', 'calendarPresence'] as const;

const tag = (name: string, value: string | number): string => textElement(name, value);
const device = (names: readonly string[]): string =>
  `<associatedDevices>${names.map((name) => tag('device', name)).join('')}</associatedDevices>`;
const groups = (names: readonly string[]): string =>
  `<associatedGroups>${names.map((name) => `<userGroup>${tag('name', name)}</userGroup>`).join('')}</associatedGroups>`;
const line = (index: number, pattern: string, label = ''): string =>
  `<line><index>${index}</index>${tag('label', label)}<dirn>${tag('pattern', pattern)}<routePartitionName/></dirn></line>`;

/** Draws changes of everything that the Sync Agent copies, about what the mock holds now. */
export async function createRandomChanges(mock: MockProcess, random: Random): Promise<RandomChanges> {
  const known: Known = {
    users: await listed(mock, 'listUser', 'userid'),
    phones: await listed(mock, 'listPhone', 'name'),
    lines: await listed(mock, 'listLine', 'pattern'),
    groups: [],
    applications: [],
    profiles: await listed(mock, 'listServiceProfile', 'name'),
    partitions: [],
  };
  let serial = 0;
  const fresh = (prefix: string): string => {
    serial += 1;
    return `${prefix}${serial}`;
  };
  const drop = (from: string[], name: string) => () => {
    const at = from.indexOf(name);
    if (at >= 0) from.splice(at, 1);
  };
  const add = (to: string[], name: string) => () => void to.push(name);
  const rename = (within: string[], from: string, to: string) => () => {
    const at = within.indexOf(from);
    if (at >= 0) within[at] = to;
  };
  const some = (among: readonly string[], most: number): string[] => [
    ...new Set(among.length === 0 ? [] : Array.from({ length: random(most + 1) }, () => oneOf(random, among))),
  ];
  const words = (): string => oneOf(random, ['', `w${random(1_000)}`, 'Łukasz & <Zoë>', "O'Brien", '李', '  spaced  ']);
  const userTags = (): string =>
    TEXT_TAGS.filter(() => random(3) === 0)
      .map((name) => {
        const value = name === 'directoryUri' ? `u${random(500)}@d${random(7)}.example` : words();
        return tag(name, name === 'lastName' && value.trim() === '' ? 'Nobody' : value);
      })
      .join('') +
    FLAG_TAGS.map((name) => (random(6) === 0 ? tag(name, oneOf(random, ['true', 'false'])) : '')).join('');
  const newUser = (userid: string): string =>
    `<user>${tag('lastName', userid)}${tag('userid', userid)}${device(some(known.phones, 2))}${groups(some([...STANDARD_GROUPS, ...known.groups], 2))}<presenceGroupName>Standard Presence group</presenceGroupName>${tag('imAndPresenceEnable', oneOf(random, ['true', 'true', 'false']))}</user>`;
  const newPhone = (name: string): string =>
    `<phone>${tag('name', name)}<description/><product>Cisco 8841</product><class>Phone</class><protocol>SIP</protocol><protocolSide>User</protocolSide><devicePoolName>Default</devicePoolName><commonPhoneConfigName>Standard Common Phone Profile</commonPhoneConfigName><locationName>Hub_None</locationName><lines>${some(
      [...known.lines, fresh('9')],
      3,
    )
      .map((pattern, index) => line(index + 1, pattern, words()))
      .join('')}</lines>${tag('ownerUserName', oneOf(random, ['', oneOf(random, known.users)]))}</phone>`;

  /** Each kind, and how often it is drawn. */
  const kinds: readonly (readonly [weight: number, kind: string, draw: () => Omit<Change, 'kind'>])[] = [
    [
      70,
      'user added',
      () => {
        const userid = fresh('added');
        return { steps: [['addUser', newUser(userid)]], done: add(known.users, userid) };
      },
    ],
    [220, 'user updated', () => ofUser((userid) => [['updateUser', `${tag('userid', userid)}${userTags()}`]])],
    [
      50,
      'user removed',
      () => {
        const userid = oneOf(random, known.users);
        const out = drop(known.users, userid);
        return { steps: [['removeUser', tag('userid', userid)]], done: out, gone: out };
      },
    ],
    [
      10,
      'user removed and added again',
      () =>
        ofUser((userid) => [
          ['removeUser', tag('userid', userid)],
          ['addUser', newUser(userid)],
        ]),
    ],
    [30, 'user renamed', () => renamed('updateUser', 'userid', known.users, fresh('renamed'), 'newUserid')],
    [
      10,
      'user in other case',
      () => {
        const userid = oneOf(random, known.users);
        const other = userid === userid.toLowerCase() ? userid.toUpperCase() : userid.toLowerCase();
        return {
          steps: [['updateUser', `${tag('userid', userid)}${tag('newUserid', other)}`]],
          done: rename(known.users, userid, other),
          gone: drop(known.users, userid),
        };
      },
    ],
    [
      10,
      'two users swapped',
      () => {
        const [a, b, between] = [oneOf(random, known.users), oneOf(random, known.users), fresh('swap')];
        const to = (from: string, name: string) =>
          ['updateUser', `${tag('userid', from)}${tag('newUserid', name)}`] as const;
        return { steps: a === b ? [] : [to(a, between), to(b, a), to(between, b)] };
      },
    ],
    [
      60,
      "user's devices",
      () =>
        ofUser((userid) => [
          [
            'updateUser',
            `${tag('userid', userid)}${device(some(known.phones, 3))}${oneOf(random, ['', '<primaryExtension><pattern/></primaryExtension>'])}`,
          ],
        ]),
    ],
    [
      40,
      "user's groups",
      () =>
        ofUser((userid) => [
          ['updateUser', tag('userid', userid) + groups(some([...STANDARD_GROUPS, ...known.groups], 3))],
        ]),
    ],
    [
      40,
      "user's primary extension",
      () => {
        const [userid, phone, pattern] = [
          oneOf(random, known.users),
          oneOf(random, known.phones),
          oneOf(random, known.lines),
        ];
        return {
          steps: [
            ['updatePhone', `${tag('name', phone)}<lines>${line(1, pattern)}</lines>`],
            [
              'updateUser',
              `${tag('userid', userid)}${device([phone])}<primaryExtension>${tag('pattern', pattern)}</primaryExtension>`,
            ],
          ],
        };
      },
    ],
    [
      60,
      'phone added',
      () => {
        const name = fresh('SEPADDED');
        return { steps: [['addPhone', newPhone(name)]], done: add(known.phones, name) };
      },
    ],
    [
      30,
      'phone removed',
      () => {
        const name = oneOf(random, known.phones);
        const out = drop(known.phones, name);
        return { steps: [['removePhone', tag('name', name)]], done: out, gone: out };
      },
    ],
    [
      60,
      'phone updated',
      () =>
        ofPhone(
          `${tag('description', words())}${tag('allowCtiControlFlag', oneOf(random, ['true', 'false']))}${tag('dndOption', oneOf(random, ['Ringer Off', 'Call Reject']))}`,
        ),
    ],
    [20, 'phone renamed', () => renamed('updatePhone', 'name', known.phones, fresh('SEPRENAMED'), 'newName')],
    [100, 'DND of a phone', () => ofPhone(tag('dndStatus', oneOf(random, ['true', 'false'])))],
    [60, 'owner of a phone', () => ofPhone(tag('ownerUserName', oneOf(random, ['', ...some(known.users, 3)])))],
    [
      40,
      'line added to a phone',
      () => ofPhone(`<addLines>${line(3 + random(5), oneOf(random, known.lines), words())}</addLines>`),
    ],
    [
      30,
      'lines of a phone replaced',
      () =>
        ofPhone(
          `<lines>${some(known.lines, 3)
            .map((pattern, at) => line(at + 1, pattern, words()))
            .join('')}</lines>`,
        ),
    ],
    [
      30,
      'line added',
      () => {
        const pattern = fresh('8');
        return {
          steps: [['addLine', `<line>${tag('pattern', pattern)}<usage>Device</usage><routePartitionName/></line>`]],
          done: add(known.lines, pattern),
        };
      },
    ],
    [
      40,
      'line updated',
      () => ({
        steps: [
          [
            'updateLine',
            `${tag('pattern', oneOf(random, known.lines))}${tag('description', words())}${tag('alertingName', words())}`,
          ],
        ],
      }),
    ],
    [20, 'line renamed', () => renamed('updateLine', 'pattern', known.lines, fresh('7'), 'newPattern')],
    [
      20,
      'line removed',
      () => {
        const pattern = oneOf(random, known.lines);
        const out = drop(known.lines, pattern);
        return { steps: [['removeLine', tag('pattern', pattern)]], done: out, gone: out };
      },
    ],
    [
      10,
      'line in a partition',
      () => {
        const [pattern, partition] = [oneOf(random, known.lines), fresh('Partition')];
        return {
          steps: [
            ['addRoutePartition', `<routePartition>${tag('name', partition)}</routePartition>`],
            [
              'addLine',
              `<line>${tag('pattern', pattern)}<usage>Device</usage>${tag('routePartitionName', partition)}</line>`,
            ],
          ],
          done: add(known.partitions, partition),
        };
      },
    ],
    [
      2,
      'partition renamed',
      () => renamed('updateRoutePartition', 'name', known.partitions, fresh('Partition'), 'newName'),
    ],
    [
      30,
      'members of a group',
      () => ({
        steps: [
          [
            'updateUserGroup',
            `${tag('name', oneOf(random, [...STANDARD_GROUPS, ...known.groups]))}<${oneOf(random, ['addMembers', 'removeMembers'])}>`.replace(
              /<(\w+)>$/,
              (_all, verb: string) =>
                `<${verb}>${[...some(known.users, 3), ...some(known.applications, 2)].map((name) => `<member>${tag('userId', name)}</member>`).join('')}</${verb}>`,
            ),
          ],
        ],
      }),
    ],
    [
      8,
      'group added',
      () => {
        const name = fresh('Group ');
        return {
          steps: [['addUserGroup', `<userGroup>${tag('name', name)}</userGroup>`]],
          done: add(known.groups, name),
        };
      },
    ],
    [6, 'group renamed', () => renamed('updateUserGroup', 'name', known.groups, fresh('Group '), 'newName')],
    [
      4,
      'group removed',
      () => {
        const name = known.groups[0];
        if (name === undefined) return { steps: [] };
        const out = drop(known.groups, name);
        return { steps: [['removeUserGroup', tag('name', name)]], done: out, gone: out };
      },
    ],
    [
      10,
      'application user added',
      () => {
        const userid = fresh('application');
        return {
          steps: [
            [
              'addAppUser',
              `<appUser>${tag('userid', userid)}<password>R2</password>${groups(some(STANDARD_GROUPS, 2))}</appUser>`,
            ],
          ],
          done: add(known.applications, userid),
        };
      },
    ],
    [
      15,
      "application user's groups",
      () => {
        const userid = known.applications.at(random(Math.max(1, known.applications.length)));
        if (userid === undefined) return { steps: [] };
        return {
          steps: [['updateAppUser', tag('userid', userid) + groups(some([...STANDARD_GROUPS, ...known.groups], 3))]],
        };
      },
    ],
    [
      5,
      'application user renamed',
      () => renamed('updateAppUser', 'userid', known.applications, fresh('application'), 'newUserid'),
    ],
    [
      4,
      'application user removed',
      () => {
        const userid = known.applications[0];
        if (userid === undefined) return { steps: [] };
        const out = drop(known.applications, userid);
        return { steps: [['removeAppUser', tag('userid', userid)]], done: out, gone: out };
      },
    ],
    [
      2,
      'service profile renamed',
      () => renamed('updateServiceProfile', 'name', known.profiles, fresh('Profile '), 'newName'),
    ],
    [
      4,
      'enterprise parameter',
      () => ({
        steps: [
          [
            'updateServiceParameter',
            `<processNodeName>EnterpriseWideData</processNodeName><name>ClusterID</name><service>Enterprise Wide</service>${tag('value', fresh('Cluster'))}`,
          ],
        ],
      }),
    ],
    [
      3,
      'many users by SQL',
      () => ({
        steps: [
          [
            'executeSQLUpdate',
            tag(
              'sql',
              `update enduser set title = 'Title ${fresh('')}' where userid like 'user00${random(10)}${random(10)}%'`,
            ),
          ],
        ],
      }),
    ],
  ];

  function ofUser(steps: (userid: string) => Change['steps']): Omit<Change, 'kind'> {
    const userid = oneOf(random, known.users);
    return { steps: steps(userid) };
  }
  function ofPhone(tags: string): Omit<Change, 'kind'> {
    return { steps: [['updatePhone', tag('name', oneOf(random, known.phones)) + tags]] };
  }
  function renamed(operation: string, key: string, within: string[], to: string, by: string): Omit<Change, 'kind'> {
    if (within.length === 0) return { steps: [] };
    const from = oneOf(random, within);
    return {
      steps: [[operation, tag(key, from) + tag(by, to)]],
      done: rename(within, from, to),
      gone: drop(within, from),
    };
  }

  const total = kinds.reduce((sum, [weight]) => sum + weight, 0);
  return {
    next() {
      for (;;) {
        let at = random(total);
        const [, kind, draw] = kinds.find(([weight]) => {
          at -= weight;
          return at < 0;
        }) as (typeof kinds)[number];
        const drawn = draw();
        if (drawn.steps.length > 0) return { kind, ...drawn };
      }
    },
  };
}

async function listed(mock: MockProcess, operation: string, key: string): Promise<string[]> {
  const response = await mock.call(
    operation,
    `<searchCriteria><${key}>%</${key}></searchCriteria><returnedTags><${key}/></returnedTags>`,
  );
  const rows = elements(element(response, 'return') ?? response);
  return rows.map((row) => {
    const child = element(row, key);
    return child ? textOf(child) : '';
  });
}
