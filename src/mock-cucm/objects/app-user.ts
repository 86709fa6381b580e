import { associatedDevices, associatedGroups } from './associations.ts';
import type { AxlObject } from './axl-object.ts';
import { credentialTag, digestTag, passwordTag } from './credentials.ts';
import { flag, key, opaque, text } from './field.ts';

/** An application user: what an application signs in with. */
export const appUserObject: AxlObject = {
  name: 'AppUser',
  tag: 'appUser',
  table: 'applicationuser',
  verbs: ['add', 'get', 'list', 'update', 'remove'],
  key: ['userid'],
  criteria: [{ tag: 'userid' }],
  orderBy: 't.name COLLATE NOCASE',
  notFound: () => 'AppUser',
  unique: [['name COLLATE NOCASE']],
  fields: [
    text('userid', 'augl', { column: 'name', isRequired: true, max: 128, renamedBy: 'newUserid' }),
    passwordTag('applicationuser', 'aug'),
    credentialTag('passwordCredentials', 'pwd', 'applicationuser', 3),
    digestTag('applicationuser', 'aug'),
    key('presenceGroupName', 'augl', 'matrix', { column: 'fkmatrix_presence' }),
    flag('acceptPresenceSubscription', 'augl'),
    flag('acceptOutOfDialogRefer', 'augl'),
    flag('acceptUnsolicitedNotification', 'augl'),
    flag('allowReplaceHeader', 'augl'),
    flag('isStandard', 'gl'),
    associatedDevices('applicationuser', 1),
    associatedGroups('applicationuser'),
    opaque('associatedCapfProfiles', 'g'),
    opaque('ctiControlledDeviceProfiles', 'aug'),
  ],
};
