import type { XmlElement } from '../../xml/element.ts';
import type { CucmFixture, FixtureUser } from '../fixture.ts';
import { appUserObject } from '../objects/app-user.ts';
import type { AxlObject } from '../objects/axl-object.ts';
import { lineObject } from '../objects/line.ts';
import { phoneObject } from '../objects/phone.ts';
import { serviceProfileObject } from '../objects/service-profile.ts';
import { ucServiceObject } from '../objects/uc-service.ts';
import { userObject } from '../objects/user.ts';
import { userGroupObject } from '../objects/user-group.ts';
import { addObject } from '../verbs/add.ts';
import type { Writing } from './access.ts';
import { pkidOf } from './pkid.ts';

/** A tag and what stands in it; undefined leaves it out. */
type Tag = readonly [name: string, content: string | boolean | number | readonly Tag[] | undefined];

function tree(name: string, content: NonNullable<Tag[1]>): XmlElement {
  const children = Array.isArray(content)
    ? (content as readonly Tag[]).flatMap(([child, inside]) => (inside === undefined ? [] : [tree(child, inside)]))
    : [String(content)];
  return { uri: '', local: name, attributes: [], children };
}

/**
 * Adds what the fixture holds by the very verbs that clients use, so that it obeys their rules. Keys are made from the
 * names: they are the same in every run.
 * @throws AxlFault what a client would get
 */
export function seedFixture(writing: Writing, fixture: CucmFixture): void {
  const add = (object: AxlObject, key: string, tags: readonly Tag[]): string =>
    addObject(writing, object, tree(`add${object.name}`, [[object.tag, tags]]), pkidOf('fixture', object.name, key));
  for (const group of fixture.userGroups) {
    add(userGroupObject, group.name, [
      ['userRoles', group.roles.map((role) => ['userRole', [['roleName', role]]])],
      ['name', group.name],
    ]);
  }
  for (const service of fixture.ucServices) {
    add(ucServiceObject, service.name, [
      ['serviceType', service.serviceType],
      ['productType', service.productType],
      ['name', service.name],
      ['description', service.description],
      ['hostnameorip', service.hostnameorip],
      ['port', service.port],
    ]);
  }
  for (const profile of fixture.serviceProfiles) {
    add(serviceProfileObject, profile.name, [
      ['name', profile.name],
      ['description', profile.description],
      ['isDefault', profile.isDefault],
    ]);
  }
  for (const line of fixture.lines) {
    add(lineObject, line.pattern, [
      ['pattern', line.pattern],
      ['description', line.description],
      ['usage', 'Device'],
      ['alertingName', line.alertingName],
      ['presenceGroupName', 'Standard Presence group'],
    ]);
  }
  for (const phone of fixture.phones) {
    add(phoneObject, phone.name, [
      ['name', phone.name],
      ['description', phone.description],
      ['product', phone.product],
      ['class', 'Phone'],
      ['protocol', 'SIP'],
      ['protocolSide', 'User'],
      ['devicePoolName', 'Default'],
      ['commonPhoneConfigName', 'Standard Common Phone Profile'],
      ['locationName', 'Hub_None'],
      ['sipProfileName', 'Standard SIP Profile'],
      ['lines', phone.lines.map((pattern, index) => lineTag(pattern, index + 1))],
      ['presenceGroupName', 'Standard Presence group'],
      ['allowCtiControlFlag', true],
      ['dndOption', 'Ringer Off'],
    ]);
  }
  const profile = (fixture.serviceProfiles.find((each) => each.isDefault) ?? fixture.serviceProfiles[0])?.name;
  for (const user of fixture.endUsers) addUser(writing, add, fixture, user, profile);
  for (const user of fixture.applicationUsers) {
    const pkid = add(appUserObject, user.userid, [
      ['userid', user.userid],
      ['password', user.password ?? fixture.credentials.password],
      ['presenceGroupName', 'Standard Presence group'],
      ['associatedDevices', user.phones.map((phone) => ['device', phone])],
      ['associatedGroups', user.groups.map(groupTag)],
    ]);
    if (user.userid === 'administrator')
      writing.run("UPDATE applicationuser SET isstandard = 't' WHERE pkid = ?", pkid);
  }
  for (const phone of fixture.phones) {
    if (phone.owner === '') continue;
    writing.run(
      'UPDATE device SET fkenduser = (SELECT pkid FROM enduser WHERE userid = ?) WHERE name = ?',
      phone.owner,
      phone.name,
    );
  }
}

const lineTag = (pattern: string, index: number): Tag => [
  'line',
  [
    ['index', index],
    ['label', pattern],
    ['dirn', [['pattern', pattern]]],
  ],
];
const groupTag = (group: string): Tag => ['userGroup', [['name', group]]];

function addUser(
  writing: Writing,
  add: (object: AxlObject, key: string, tags: readonly Tag[]) => string,
  fixture: CucmFixture,
  user: FixtureUser,
  profile: string | undefined,
): void {
  const appearances = fixture.phones
    .filter((phone) => user.phones.includes(phone.name))
    .flatMap((phone) => phone.lines.map((line) => appearanceTag(phone.name, line)));
  const pkid = add(userObject, user.userid, [
    ['firstName', user.firstName],
    ['displayName', user.displayName],
    ['middleName', user.middleName],
    ['lastName', user.lastName],
    ['userid', user.userid],
    ['password', user.password ?? fixture.credentials.password],
    ['pin', user.pin ?? fixture.credentials.pin],
    ['mailid', user.mailid],
    ['department', user.department],
    ['manager', user.manager],
    ['associatedDevices', user.phones.map((phone) => ['device', phone])],
    ['primaryExtension', user.primaryExtension === '' ? undefined : [['pattern', user.primaryExtension]]],
    ['associatedGroups', user.groups.map(groupTag)],
    ['digestCredentials', user.digestCredentials ?? fixture.credentials.digestCredentials],
    ['presenceGroupName', 'Standard Presence group'],
    ['homeCluster', user.homeCluster],
    ['imAndPresenceEnable', user.imAndPresenceEnable],
    ['serviceProfile', profile],
    ['lineAppearanceAssociationForPresences', appearances],
    ['directoryUri', user.directoryUri],
    ['telephoneNumber', user.telephoneNumber],
    ['title', user.title],
    ['calendarPresence', user.calendarPresence],
  ]);
  // No tag writes the status: a directory does.
  if (!user.isActive) writing.run('UPDATE enduser SET status = 0 WHERE pkid = ?', pkid);
}

const appearanceTag = (device: string, line: string): Tag => [
  'lineAppearanceAssociationForPresence',
  [
    ['laapAssociate', 't'],
    ['laapDeviceName', device],
    ['laapDirectory', line],
  ],
];
