import type { AxlObject } from './axl-object.ts';
import { computed, flag, key, number, text, typed } from './field.ts';

/** A server of the cluster: CUCM's own, or one of IM and Presence. */
export const processNodeObject: AxlObject = {
  name: 'ProcessNode',
  tag: 'processNode',
  table: 'processnode',
  verbs: ['add', 'get', 'list', 'update', 'remove'],
  key: ['name'],
  criteria: [{ tag: 'name' }, { tag: 'description' }, { tag: 'processNodeRole' }],
  orderBy: 't.name COLLATE NOCASE',
  notFound: () => 'ProcessNode',
  unique: [['name COLLATE NOCASE']],
  columns: ["isactive TEXT NOT NULL DEFAULT 't'", 'nodeid INTEGER'],
  fields: [
    text('name', 'augl', { isRequired: true, max: 255, renamedBy: 'newName' }),
    text('description', 'augl', { max: 50 }),
    text('mac', 'augl', { max: 12 }),
    text('ipv6Name', 'augl', { max: 255 }),
    typed('nodeUsage', 'gl', 'typenodeusage', { column: 'tknodeusage', initial: 'Subscriber' }),
    text('lbmHubGroup', 'augl', { max: 128 }),
    typed('processNodeRole', 'augl', 'typeprocessnoderole', {
      column: 'tkprocessnoderole',
      initial: 'CUCM Voice/Video',
    }),
    text('cupDomain', 'aug', { max: 255 }),
  ],
};

/** A service on a server. */
export const processNodeServiceObject: AxlObject = {
  name: 'ProcessNodeService',
  tag: 'processNodeService',
  table: 'processnodeservice',
  verbs: ['get', 'list', 'update'],
  key: ['processNodeName', 'service'],
  criteria: [{ tag: 'processNodeName' }, { tag: 'service' }],
  orderBy:
    "coalesce((SELECT n.name FROM processnode n WHERE n.pkid = t.fkprocessnode), '') COLLATE NOCASE, t.tkservice",
  notFound: () => 'ProcessNodeService',
  unique: [['fkprocessnode', 'tkservice']],
  fields: [
    key('processNodeName', 'augl', 'processnode', { isRequired: true }),
    typed('service', 'augl', 'typeservice', { column: 'tkservice', isRequired: true }),
    number('traceLevel', 'augl', { initial: '0' }),
    number('userCategories', 'augl', { initial: '0' }),
    flag('enable', 'augl'),
    number('numFiles', 'augl', { initial: '250' }),
    number('maxFileSize', 'augl', { initial: '1' }),
    flag('isActive', 'gl', { initial: 'true' }),
  ],
};

/** A service parameter; enterprise parameters are those of node EnterpriseWideData, service Enterprise Wide. */
export const serviceParameterObject: AxlObject = {
  name: 'ServiceParameter',
  tag: 'serviceParameter',
  table: 'processconfig',
  verbs: ['get', 'list', 'update'],
  key: ['processNodeName', 'name', 'service'],
  criteria: [{ tag: 'processNodeName' }, { tag: 'service' }],
  orderBy:
    "coalesce((SELECT n.name FROM processnode n WHERE n.pkid = t.fkprocessnode), '') COLLATE NOCASE, t.tkservice, t.paramname COLLATE NOCASE",
  notFound: () => 'ServiceParameter',
  unique: [['fkprocessnode', 'tkservice', 'paramname COLLATE NOCASE']],
  fields: [
    key('processNodeName', 'gl', 'processnode'),
    text('name', 'gl', { column: 'paramname' }),
    typed('service', 'gl', 'typeservice', { column: 'tkservice' }),
    text('value', 'ugl', { column: 'paramvalue' }),
    typed('valueType', 'gl', 'typeparam', { column: 'tkparam', initial: 'string' }),
  ],
};

const USERS_OF_GROUP = `(SELECT count(*) FROM enduser u
  WHERE u.primarynodeid IS NOT NULL AND u.primarynodeid IN (t.fkprocessnode_1, t.fkprocessnode_2))`;

/** Two IM and Presence nodes that stand in for each other. */
export const presenceRedundancyGroupObject: AxlObject = {
  name: 'PresenceRedundancyGroup',
  tag: 'presenceRedundancyGroup',
  table: 'presenceredundancygroup',
  verbs: ['add', 'get', 'list', 'update', 'remove'],
  key: ['name'],
  criteria: [{ tag: 'name' }, { tag: 'description' }],
  orderBy: 't.name COLLATE NOCASE',
  notFound: () => 'PresenceRedundancyGroup',
  unique: [['name COLLATE NOCASE']],
  fields: [
    text('name', 'augl', { isRequired: true, max: 255, renamedBy: 'newName' }),
    text('description', 'augl', { max: 255 }),
    key('server1', 'augl', 'processnode', { column: 'fkprocessnode_1', isRequired: true }),
    key('server2', 'augl', 'processnode', { column: 'fkprocessnode_2' }),
    flag('haEnabled', 'augl'),
    computed('numUsers', 'gl', USERS_OF_GROUP),
  ],
};

const GROUP_OF_NODE = (node: string): string =>
  `(SELECT g.name FROM presenceredundancygroup g WHERE ${node} IN (g.fkprocessnode_1, g.fkprocessnode_2) LIMIT 1)`;
const NODE_NAME = '(SELECT n.name FROM processnode n WHERE n.pkid = t.primarynodeid)';

/** IM and Presence users that a node serves. */
export const assignedPresenceUsersObject: AxlObject = {
  name: 'AssignedPresenceUsers',
  tag: 'assignedPresenceUsers',
  table: 'enduser',
  where: "t.primarynodeid IS NOT NULL AND t.enablecups = 't'",
  verbs: ['list'],
  key: ['userid'],
  criteria: [
    { tag: 'userid' },
    { tag: 'server', sql: NODE_NAME },
    { tag: 'presenceRedundancyGroup', sql: GROUP_OF_NODE('t.primarynodeid') },
  ],
  orderBy: 't.userid COLLATE NOCASE',
  notFound: () => 'User',
  fields: [
    text('userid', 'l'),
    key('server', 'l', 'processnode', { column: 'primarynodeid' }),
    computed('presenceRedundancyGroup', 'l', GROUP_OF_NODE('t.primarynodeid')),
  ],
};

/** IM and Presence users that no node serves yet. */
export const unassignedPresenceUsersObject: AxlObject = {
  ...assignedPresenceUsersObject,
  name: 'UnassignedPresenceUsers',
  tag: 'unassignedPresenceUsers',
  where: "t.primarynodeid IS NULL AND t.enablecups = 't'",
  criteria: [{ tag: 'userid' }],
  fields: [text('userid', 'l')],
};

/** IM and Presence nodes that stand in a redundancy group, with how many users each serves. */
export const assignedPresenceServersObject: AxlObject = {
  name: 'AssignedPresenceServers',
  tag: 'assignedPresenceServers',
  table: 'processnode',
  where:
    't.tkprocessnoderole = 2 AND EXISTS (SELECT 1 FROM presenceredundancygroup g WHERE t.pkid IN (g.fkprocessnode_1, g.fkprocessnode_2))',
  verbs: ['list'],
  key: ['name'],
  criteria: [{ tag: 'name' }, { tag: 'description' }],
  orderBy: 't.name COLLATE NOCASE',
  notFound: () => 'ProcessNode',
  fields: [
    text('name', 'l'),
    text('description', 'l'),
    typed('nodeUsage', 'l', 'typenodeusage', { column: 'tknodeusage' }),
    computed('numUsers', 'l', '(SELECT count(*) FROM enduser u WHERE u.primarynodeid = t.pkid)'),
  ],
};

/** IM and Presence nodes outside every redundancy group. */
export const unassignedPresenceServersObject: AxlObject = {
  ...assignedPresenceServersObject,
  name: 'UnassignedPresenceServers',
  tag: 'unassignedPresenceServers',
  where: assignedPresenceServersObject.where?.replace('AND EXISTS', 'AND NOT EXISTS') ?? '',
  fields: assignedPresenceServersObject.fields.filter((field) => field.tag !== 'numUsers'),
};
