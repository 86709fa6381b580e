import type { AxlObject, AxlVerb } from './axl-object.ts';
import { type Field, flag, number, oneOf, opaque, text } from './field.ts';

const ALL: readonly AxlVerb[] = ['add', 'get', 'list', 'update', 'remove'];
const READ: readonly AxlVerb[] = ['get', 'list'];
const USAGES = ['Intercom', 'Call Control Discovery Learned Pattern', 'General', 'Directory URI'] as const;

const nameTag = text('name', 'augl', { isRequired: true, max: 128, renamedBy: 'newName' });
const descriptionTag = text('description', 'augl', { max: 255 });
const partitionUsage = oneOf('partitionUsage', 'agl', USAGES, { initial: 'General' });

/** What other objects refer to by name. */
function named(
  name: string,
  tag: string,
  table: string,
  verbs: readonly AxlVerb[],
  fields: readonly Field[],
): AxlObject {
  const hasDescription = fields.includes(descriptionTag);
  return {
    name,
    tag,
    table,
    verbs,
    key: ['name'],
    criteria: hasDescription ? [{ tag: 'name' }, { tag: 'description' }] : [{ tag: 'name' }],
    orderBy: 't.name COLLATE NOCASE',
    notFound: () => name,
    unique: [['name COLLATE NOCASE']],
    fields,
  };
}

const described = [nameTag, descriptionTag];

/** Clients may add partitions, calling search spaces and presence groups; the rest are factory objects, shown by name. */
export const namedObjects: readonly AxlObject[] = [
  named('PresenceGroup', 'presenceGroup', 'matrix', ALL, [...described, opaque('presenceGroups', 'aug')]),
  named('RoutePartition', 'routePartition', 'routepartition', ALL, [
    ...described,
    number('dialPlanWizardGenId', 'gl'),
    text('timeScheduleIdName', 'augl', { max: 128 }),
    flag('useOriginatingDeviceTimeZone', 'augl', { initial: 'true' }),
    text('timeZone', 'augl', { initial: 'Etc/GMT', max: 128 }),
    partitionUsage,
  ]),
  named('Css', 'css', 'callingsearchspace', ALL, [
    descriptionTag,
    text('clause', 'gl', { max: 1024 }),
    number('dialPlanWizardGenId', 'gl'),
    opaque('members', 'aug'),
    partitionUsage,
    nameTag,
  ]),
  named('DevicePool', 'devicePool', 'devicepool', READ, [nameTag]),
  named('Location', 'location', 'location', READ, [nameTag]),
  named('CommonPhoneConfig', 'commonPhoneConfig', 'commonphoneconfig', READ, described),
  named('CommonDeviceConfig', 'commonDeviceConfig', 'commondeviceconfig', READ, [nameTag]),
  named('PhoneButtonTemplate', 'phoneButtonTemplate', 'phonetemplate', READ, [nameTag]),
  named('SoftKeyTemplate', 'softKeyTemplate', 'softkeytemplate', READ, described),
  named('SipProfile', 'sipProfile', 'sipprofile', READ, described),
  named('PhoneSecurityProfile', 'phoneSecurityProfile', 'securityprofile', READ, described),
  named('CredentialPolicy', 'credentialPolicy', 'credentialpolicy', READ, [nameTag]),
];
