import { doAuthenticateUser } from './do-authenticate-user.ts';
import { doChangeDndStatus } from './do-change-dnd-status.ts';
import { executeSqlQuery, executeSqlUpdate } from './execute-sql.ts';
import { getCcmVersion } from './get-ccm-version.ts';
import { getLdapAuthentication, updateLdapAuthentication } from './ldap-authentication.ts';
import { listChange } from './list-change.ts';
import { objectOperations } from './object-operations.ts';
import type { Operation } from './operation.ts';
import { assignPresenceUser, unassignPresenceUser } from './presence-assignment.ts';

/** Every operation by its name. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  [
    ...objectOperations,
    getCcmVersion,
    doAuthenticateUser,
    doChangeDndStatus,
    listChange,
    getLdapAuthentication,
    updateLdapAuthentication,
    assignPresenceUser,
    unassignPresenceUser,
    executeSqlQuery,
    executeSqlUpdate,
  ].map((operation) => [operation.name, operation]),
);
