import { appUserObject } from './app-user.ts';
import type { AxlObject } from './axl-object.ts';
import { licensedUserObject } from './licensed-user.ts';
import { lineObject } from './line.ts';
import { namedObjects } from './named.ts';
import {
  assignedPresenceServersObject,
  assignedPresenceUsersObject,
  presenceRedundancyGroupObject,
  processNodeObject,
  processNodeServiceObject,
  serviceParameterObject,
  unassignedPresenceServersObject,
  unassignedPresenceUsersObject,
} from './nodes.ts';
import { phoneObject } from './phone.ts';
import { serviceProfileObject } from './service-profile.ts';
import { ucServiceObject } from './uc-service.ts';
import { userObject } from './user.ts';
import { userGroupObject } from './user-group.ts';

/** Objects that own their table. */
export const ownObjects: readonly AxlObject[] = [
  userObject,
  phoneObject,
  lineObject,
  appUserObject,
  userGroupObject,
  processNodeObject,
  processNodeServiceObject,
  serviceParameterObject,
  serviceProfileObject,
  ucServiceObject,
  presenceRedundancyGroupObject,
  ...namedObjects,
];

/** All objects that AXL shows. */
export const axlObjects: readonly AxlObject[] = [
  ...ownObjects,
  assignedPresenceUsersObject,
  unassignedPresenceUsersObject,
  assignedPresenceServersObject,
  unassignedPresenceServersObject,
  licensedUserObject,
];
