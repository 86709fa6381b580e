import type { AxlObject, AxlVerb } from './axl-object.ts';
import { text } from './field.ts';

/**
 * What other objects refer to by name and the mock looks no further into: operation name, tag, table.
 * Some may be added by clients, the rest are factory objects.
 */
const NAMED: readonly (readonly [name: string, tag: string, table: string, isOpen: boolean])[] = [
  ['PresenceGroup', 'presenceGroup', 'matrix', true],
  ['RoutePartition', 'routePartition', 'routepartition', true],
  ['Css', 'css', 'callingsearchspace', true],
  ['DevicePool', 'devicePool', 'devicepool', true],
  ['Location', 'location', 'location', true],
  ['CommonPhoneConfig', 'commonPhoneConfig', 'commonphoneconfig', true],
  ['CommonDeviceConfig', 'commonDeviceConfig', 'commondeviceconfig', true],
  ['PhoneButtonTemplate', 'phoneButtonTemplate', 'phonetemplate', false],
  ['SoftKeyTemplate', 'softKeyTemplate', 'softkeytemplate', false],
  ['SipProfile', 'sipProfile', 'sipprofile', true],
  ['PhoneSecurityProfile', 'phoneSecurityProfile', 'securityprofile', false],
  ['CredentialPolicy', 'credentialPolicy', 'credentialpolicy', true],
];

const ALL: readonly AxlVerb[] = ['add', 'get', 'list', 'update', 'remove'];
const READ: readonly AxlVerb[] = ['get', 'list'];

export const namedObjects: readonly AxlObject[] = NAMED.map(([name, tag, table, isOpen]) => ({
  name,
  tag,
  table,
  verbs: isOpen ? ALL : READ,
  key: ['name'],
  criteria: [{ tag: 'name' }, { tag: 'description' }],
  orderBy: 't.name COLLATE NOCASE',
  notFound: () => name,
  unique: [['name COLLATE NOCASE']],
  fields: [
    text('name', 'augl', { isRequired: true, max: 128, renamedBy: 'newName' }),
    text('description', 'augl', { max: 255 }),
  ],
}));
