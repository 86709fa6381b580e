import { z } from 'zod';
import { isoTime } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';
import { setSipCredentials } from '../../sign-in/sip-credentials.ts';
import { type AnyCommand, command } from '../command.ts';
import { table } from '../table.ts';

const userRow = z.strictObject({
  userid: z.string(),
  name: z.string(),
  imAddress: z.string(),
  isEnabled: z.boolean(),
  isActive: z.boolean(),
  node: z.string().nullable().describe('Home node, here or in the peer cluster; null when unassigned'),
  peerCluster: z.string().nullable().describe('Number of the peer cluster that the user is of; null for ours'),
});

const userShape = userRow.extend({
  pkid: z.string(),
  mail: z.string(),
  department: z.string(),
  telephoneNumber: z.string(),
  directoryUri: z.string(),
  primaryExtension: z.string(),
  assignment: z.enum(['unassigned', 'assigned', 'waiting']),
  groups: z.array(z.string()).describe('Access control groups'),
  devices: z.array(
    z.strictObject({ name: z.string(), product: z.string(), lines: z.array(z.string()), doNotDisturb: z.boolean() }),
  ),
  contacts: z.array(z.strictObject({ address: z.string(), nickname: z.string(), groups: z.array(z.string()) })),
  presence: z
    .strictObject({
      state: z.string().describe('Basic presence as it is composed: AVAILABLE, BUSY, DND, AWAY, VACATION, UNAVAILABLE'),
      activities: z.array(z.string()),
      note: z.string().describe('Custom text'),
      sources: z.array(
        z.strictObject({
          source: z.string(),
          kind: z.string().describe('override, client, sip, xmpp, phone or calendar'),
          state: z.string(),
          activities: z.array(z.string()),
          note: z.string(),
          publishedAt: z.string().describe('ISO 8601'),
        }),
      ),
    })
    .nullable()
    .describe('null while the Presence Datastore is not running'),
});

function homeNode(user: { readonly node: string | null; readonly peernode: string | null }): string | null {
  return user.node ?? (user.peernode || null);
}
export type UserRow = z.infer<typeof userRow>;
export type UserView = z.infer<typeof userShape>;

const ASSIGNMENTS = ['unassigned', 'assigned', 'waiting'] as const;

/** Users as the IDS knows them (docs/services/ids.md). */
export const userCommands: readonly AnyCommand[] = [
  command({
    words: ['user', 'list'],
    summary: 'Lists users, by user id; --match takes a part of the id or name.',
    access: 'read',
    arguments: z.strictObject({
      match: z.string().default('').describe('A part of user id, first or last name'),
      limit: z.coerce.number().int().min(1).max(10_000).default(100).describe('Most users to show'),
      after: z.string().default('').describe('Only user ids after this one'),
    }),
    positional: [],
    result: z.array(userRow),
    async run(context, given) {
      let query = context.ids.read
        .selectFrom('enduser')
        .leftJoin('enterprisenode', 'enterprisenode.id', 'enduser.primarynodeid')
        .where('enduser.deletedat', 'is', null)
        .where('enduser.userid', '>', given.after)
        .select([
          'enduser.userid',
          'enduser.firstname',
          'enduser.lastname',
          'enduser.imaddress',
          'enduser.enablecups',
          'enduser.status',
          'enduser.peerclusterid',
          'enduser.peernode',
          'enterprisenode.name as node',
        ])
        .orderBy('enduser.userid')
        .limit(given.limit);
      if (given.match !== '') {
        const pattern = `%${given.match.replaceAll(/[\\%_]/g, (special) => `\\${special}`)}%`;
        query = query.where(({ or, eb }) =>
          or(
            (['enduser.userid', 'enduser.firstname', 'enduser.lastname'] as const).map((column) =>
              eb(column, 'like', pattern),
            ),
          ),
        );
      }
      const rows = await query.execute();
      return rows.map((row) => ({
        userid: row.userid,
        name: `${row.firstname} ${row.lastname}`.trim(),
        imAddress: row.imaddress,
        isEnabled: row.enablecups === 1,
        isActive: row.status === 1,
        node: homeNode(row),
        peerCluster: row.peerclusterid,
      }));
    },
    render: (users) =>
      table(
        ['USER', 'NAME', 'ADDRESS', 'ENABLED', 'NODE'],
        users.map((user) => [
          user.userid,
          user.name,
          user.imAddress,
          user.isEnabled ? 'yes' : 'no',
          user.peerCluster === null ? (user.node ?? '-') : `${user.node ?? '-'} of peer ${user.peerCluster}`,
        ]),
      ),
  }),
  command({
    words: ['user', 'validate'],
    summary: 'Lists users that share a directory URI, and directory URIs that are not valid.',
    access: 'read',
    arguments: z.strictObject({}),
    positional: [],
    result: z.array(
      z.strictObject({
        problem: z.enum(['duplicate', 'invalid']),
        directoryUri: z.string(),
        users: z.array(z.string()),
      }),
    ),
    run: (context) => context.sync.userProblems(),
    render: (problems) =>
      problems.length === 0
        ? 'every directory URI is valid and belongs to one user'
        : table(
            ['PROBLEM', 'DIRECTORY URI', 'USERS'],
            problems.map(({ problem, directoryUri, users }) => [problem, directoryUri, users.join(', ')]),
          ),
  }),
  command({
    words: ['user', 'sip-credential'],
    summary: "Sets what a user's SIP phones sign in with; the password is read from standard input.",
    access: 'operate',
    arguments: z.strictObject({
      user: z.string().min(1).describe('User id'),
      password: z
        .string()
        .min(1, { error: 'is empty' })
        .max(256)
        .regex(/^[^\p{Cc}]*$/u, { error: 'holds a control character' })
        .describe('The password; only digests of it are kept'),
    }),
    positional: ['user'],
    secret: 'password',
    result: z.strictObject({ user: z.string() }),
    async run(context, { user, password }) {
      const row = await context.ids.read
        .selectFrom('enduser')
        .select('userid')
        .where(({ eb, fn, val }) => eb(fn('lower', ['userid']), '=', fn('lower', [val(user)])))
        .where('deletedat', 'is', null)
        .where('peerclusterid', 'is', null)
        .executeTakeFirst();
      if (!row) throw new ImpError('not-found', 'user.unknown', `there is no user ${user}`);
      await setSipCredentials(context.ids, 'administrator', [{ userid: row.userid, password }]);
      return { user: row.userid };
    },
    render: ({ user }) => `${user} signs in over SIP with the new password`,
  }),
  command({
    words: ['user', 'show'],
    summary: "Shows a user's whole state.",
    access: 'read',
    arguments: z.strictObject({ user: z.string().min(1).describe('User id') }),
    positional: ['user'],
    result: userShape,
    async run(context, given) {
      const db = context.ids.read;
      const user = await db
        .selectFrom('enduser')
        .leftJoin('enterprisenode', 'enterprisenode.id', 'enduser.primarynodeid')
        .selectAll('enduser')
        .select('enterprisenode.name as node')
        .where(({ eb, fn, val }) => eb(fn('lower', ['enduser.userid']), '=', fn('lower', [val(given.user)])))
        .where('enduser.deletedat', 'is', null)
        // A user of a peer may stand in CUCM here as well, without a licence.
        .orderBy('enduser.enablecups', 'desc')
        .executeTakeFirst();
      if (!user) throw new ImpError('not-found', 'user.unknown', `there is no user ${given.user}`);
      const [presence, groups, devices, contacts] = await Promise.all([
        context.presence(user.imaddress),
        db
          .selectFrom('enduserdirgroupmap as map')
          .innerJoin('dirgroup', 'dirgroup.pkid', 'map.fkdirgroup')
          .where('map.fkenduser', '=', user.pkid)
          .select('dirgroup.name')
          .orderBy('dirgroup.name')
          .execute(),
        db
          .selectFrom('device')
          .leftJoin('enduserdevicemap as map', (join) =>
            join.onRef('map.fkdevice', '=', 'device.pkid').on('map.fkenduser', '=', user.pkid),
          )
          .leftJoin('devicenumplanmap as lines', 'lines.fkdevice', 'device.pkid')
          .leftJoin('numplan', 'numplan.pkid', 'lines.fknumplan')
          .where('device.deletedat', 'is', null)
          .where(({ or, eb }) => or([eb('map.pkid', 'is not', null), eb('device.owneruserid', '=', user.userid)]))
          .select(['device.name', 'device.product', 'device.dndstatus', 'numplan.dnorpattern'])
          .orderBy('device.name')
          .orderBy('lines.numplanindex')
          .execute(),
        db
          .selectFrom('rosteritem as item')
          .leftJoin('rosteritemgroup as map', 'map.fkrosteritem', 'item.pkid')
          .leftJoin('rostergroup as group', 'group.pkid', 'map.fkrostergroup')
          .where('item.fkenduser', '=', user.pkid)
          .select(['item.contactuser', 'item.contactdomain', 'item.nickname', 'group.name as group'])
          .orderBy('item.contactuser')
          .execute(),
      ]);
      return {
        userid: user.userid,
        name: `${user.firstname} ${user.lastname}`.trim(),
        imAddress: user.imaddress,
        isEnabled: user.enablecups === 1,
        isActive: user.status === 1,
        node: homeNode(user),
        pkid: user.pkid,
        mail: user.mailid,
        department: user.department,
        telephoneNumber: user.telephonenumber,
        directoryUri: user.directoryuri,
        primaryExtension: user.primaryextension,
        assignment: ASSIGNMENTS[user.tkassignmentstate] ?? 'unassigned',
        peerCluster: user.peerclusterid,
        groups: [...new Set(groups.map((group) => group.name))],
        devices: [...Map.groupBy(devices, (row) => row.name)].map(([name, rows]) => ({
          name,
          product: rows[0]?.product ?? '',
          lines: [...new Set(rows.flatMap((row) => (row.dnorpattern === null ? [] : [row.dnorpattern])))],
          doNotDisturb: rows[0]?.dndstatus === 1,
        })),
        contacts: [...Map.groupBy(contacts, (row) => `${row.contactuser}@${row.contactdomain}`)].map(
          ([address, rows]) => ({
            address,
            nickname: rows[0]?.nickname ?? '',
            groups: rows.flatMap((row) => (row.group === null ? [] : [row.group])),
          }),
        ),
        presence: presence && {
          ...presence,
          activities: [...presence.activities],
          sources: presence.sources.map((each) => ({
            ...each,
            activities: [...each.activities],
            publishedAt: isoTime(each.publishedAt),
          })),
        },
      };
    },
    render: (user) =>
      [
        `${user.userid}: ${user.name} <${user.imAddress}>`,
        `  ${user.isEnabled ? 'enabled' : 'not enabled'} for IM and Presence, ${user.isActive ? 'active' : 'inactive'}, ` +
          (user.peerCluster === null
            ? `${user.assignment}${user.node === null ? '' : ` to ${user.node}`}`
            : `of peer ${user.peerCluster}${user.node === null ? '' : `, on its node ${user.node}`}`),
        `  department ${user.department || '-'}, mail ${user.mail || '-'}, telephone ${user.telephoneNumber || '-'}, extension ${user.primaryExtension || '-'}, ` +
          `directory URI ${user.directoryUri || '-'}`,
        `  groups: ${user.groups.join(', ') || '-'}`,
        ...user.devices.map(
          (device) =>
            `  device ${device.name} (${device.product}), lines ${device.lines.join(', ') || '-'}${device.doNotDisturb ? ', do not disturb' : ''}`,
        ),
        ...user.contacts.map(
          (contact) =>
            `  contact ${contact.address}${contact.groups.length > 0 ? ` in ${contact.groups.join(', ')}` : ''}`,
        ),
        ...(user.presence === null
          ? []
          : [
              `  presence ${user.presence.state}${said(user.presence)}`,
              ...user.presence.sources.map((each) => `  source ${each.source}: ${each.state}${said(each)}`),
            ]),
      ].join('\n'),
  }),
];

/** ` (busy, meeting) "in Rome"`: what stands behind a basic state. */
function said({ activities, note }: { readonly activities: readonly string[]; readonly note: string }): string {
  return `${activities.length === 0 ? '' : ` (${activities.join(', ')})`}${note === '' ? '' : ` ${JSON.stringify(note)}`}`;
}
