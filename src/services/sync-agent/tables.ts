import type { StagedTable } from '../../ids/staging.ts';

/** What of the IDS belongs to CUCM, table by table. Parents stand before the rows that point at them. */
export const SYNCED = {
  nodes: {
    name: 'processnode',
    key: ['pkid'],
    columns: ['pkid', 'name', 'description', 'nodeusage', 'role'],
    removal: { kind: 'hard' },
  },
  parameters: {
    name: 'serviceparameter',
    key: ['node', 'service', 'name'],
    columns: ['node', 'service', 'name', 'value'],
    removal: { kind: 'hard' },
    // The others are set by administrators of this cluster.
    ownedWhere: "service = 'Enterprise Wide'",
  },
  groups: { name: 'dirgroup', key: ['pkid'], columns: ['pkid', 'name'], removal: { kind: 'soft' } },
  applicationUsers: {
    name: 'applicationuser',
    key: ['pkid'],
    columns: ['pkid', 'name', 'isstandard', 'presencegroup'],
    removal: { kind: 'soft' },
  },
  applicationUserGroups: {
    name: 'applicationuserdirgroupmap',
    key: ['fkapplicationuser', 'fkdirgroup'],
    columns: ['fkapplicationuser', 'fkdirgroup'],
    removal: { kind: 'hard' },
  },
  ldapHosts: {
    name: 'ldapauthenticationhost',
    key: ['pkid'],
    columns: ['pkid', 'hostname', 'portnumber', 'sslenabled'],
    removal: { kind: 'hard' },
  },
  serviceProfiles: {
    name: 'ucserviceprofile',
    key: ['pkid'],
    columns: ['pkid', 'name', 'description', 'isdefault'],
    removal: { kind: 'hard' },
  },
  devices: {
    name: 'device',
    key: ['pkid'],
    columns: [
      'pkid',
      'name',
      'description',
      'product',
      'model',
      'protocol',
      'devicepool',
      'owneruserid',
      'allowcticontrol',
      'dndstatus',
      'dndoption',
    ],
    removal: { kind: 'soft' },
  },
  lines: {
    name: 'numplan',
    key: ['pkid'],
    columns: ['pkid', 'dnorpattern', 'partition', 'description', 'alertingname'],
    removal: { kind: 'soft' },
  },
  endUsers: {
    name: 'enduser',
    key: ['pkid'],
    columns: [
      'pkid',
      'userid',
      'firstname',
      'middlename',
      'lastname',
      'displayname',
      'mailid',
      'department',
      'title',
      'manager',
      'telephonenumber',
      'homenumber',
      'mobilenumber',
      'pagernumber',
      'userlocale',
      'directoryuri',
      'imaddress',
      'xcp_user_id',
      'enablecups',
      'islocaluser',
      'status',
      'enablecalendarpresence',
      'serviceprofile',
      'primaryextension',
      // Filled in by the assignment, before the merge.
      'primarynodeid',
      'tkassignmentstate',
    ],
    removal: { kind: 'soft' },
    ownedWhere: 'peerclusterid IS NULL',
  },
  deviceLines: {
    name: 'devicenumplanmap',
    key: ['pkid'],
    columns: ['pkid', 'fkdevice', 'fknumplan', 'numplanindex', 'label', 'display'],
    removal: { kind: 'hard' },
  },
  userDevices: {
    name: 'enduserdevicemap',
    key: ['pkid'],
    columns: ['pkid', 'fkenduser', 'fkdevice', 'tkuserassociation'],
    removal: { kind: 'hard' },
  },
  userGroups: {
    name: 'enduserdirgroupmap',
    key: ['fkenduser', 'fkdirgroup'],
    columns: ['fkenduser', 'fkdirgroup'],
    removal: { kind: 'hard' },
  },
} as const satisfies Readonly<Record<string, StagedTable>>;

export type SyncedName = keyof typeof SYNCED;

/** In the order of merging. */
export const SYNCED_TABLES: readonly StagedTable[] = Object.values(SYNCED);
