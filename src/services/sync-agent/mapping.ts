import { barePkid } from '../../axl/change-list.ts';
import type { StagedRow } from '../../ids/staging.ts';
import { attribute, element, textOf, type XmlElement } from '../../xml/element.ts';
import { escapeLocal } from '../../xmpp/jid-escape.ts';

/** AXL objects as rows of the IDS. Keys are CUCM's own pkids, so both sides speak of the same row. */

export const ENTERPRISE_WIDE = 'Enterprise Wide';
export const ASSIGNMENT_MODE = 'User Assignment Mode for Presence Server';
/** Of some two hundred, those that mean something on this side: the names that pages show. AXL has them without spaces. */
const ENTERPRISE_PARAMETERS: ReadonlyMap<string, string> = new Map(
  [ASSIGNMENT_MODE, 'Cluster ID', 'Cluster Fully Qualified Domain Name', 'Organization Top Level Domain'].map(
    (name) => [plainName(name), name],
  ),
);

function plainName(name: string): string {
  return name.replace(/\s/g, '').toLowerCase();
}

/** Tags asked for, in the order of the AXL schema (docs/axl-client.md). */
export const TAGS = {
  processNode: ['name', 'description', 'nodeUsage', 'processNodeRole'],
  serviceParameter: ['processNodeName', 'name', 'service', 'value'],
  userGroup: ['name'],
  appUser: ['userid', 'presenceGroupName', 'isStandard'],
  serviceProfile: ['name', 'description', 'isDefault'],
  phone: [
    'name',
    'description',
    'product',
    'model',
    'protocol',
    'devicePoolName',
    'ownerUserName',
    'allowCtiControlFlag',
    'dndOption',
    'dndStatus',
  ],
  line: ['pattern', 'description', 'routePartitionName', 'alertingName'],
  user: [
    'firstName',
    'middleName',
    'lastName',
    'userid',
    'mailid',
    'department',
    'manager',
    'userLocale',
    'primaryExtension',
    'status',
    'homeCluster',
    'imAndPresenceEnable',
    'serviceProfile',
    'directoryUri',
    'telephoneNumber',
    'title',
    'mobileNumber',
    'homeNumber',
    'pagerNumber',
    'calendarPresence',
  ],
} as const;

const textAt = (row: XmlElement, name: string): string => {
  const found = element(row, name);
  return found ? textOf(found).trim() : '';
};
const flagAt = (row: XmlElement, name: string): 0 | 1 => (/^(?:t|true|1)$/i.test(textAt(row, name)) ? 1 : 0);
const pkidOf = (row: XmlElement): string => barePkid(attribute(row, 'uuid') ?? '');

export function processNodeRow(row: XmlElement): StagedRow {
  return {
    pkid: pkidOf(row),
    name: textAt(row, 'name'),
    description: textAt(row, 'description'),
    nodeusage: textAt(row, 'nodeUsage'),
    role: textAt(row, 'processNodeRole'),
  };
}

/** An enterprise parameter of CUCM. */
export function enterpriseParameterRow(row: XmlElement): StagedRow {
  const name = textAt(row, 'name');
  return {
    node: '',
    service: ENTERPRISE_WIDE,
    name: ENTERPRISE_PARAMETERS.get(plainName(name)) ?? name,
    value: textAt(row, 'value'),
  };
}

export function isOfInterest(parameter: StagedRow): boolean {
  return ENTERPRISE_PARAMETERS.has(plainName(String(parameter.name)));
}

export function groupRow(row: XmlElement): StagedRow {
  return { pkid: pkidOf(row), name: textAt(row, 'name') };
}

export function applicationUserRow(row: XmlElement): StagedRow {
  return {
    pkid: pkidOf(row),
    name: textAt(row, 'userid'),
    isstandard: flagAt(row, 'isStandard'),
    presencegroup: textAt(row, 'presenceGroupName'),
  };
}

export function serviceProfileRow(row: XmlElement): StagedRow {
  return {
    pkid: pkidOf(row),
    name: textAt(row, 'name'),
    description: textAt(row, 'description'),
    isdefault: flagAt(row, 'isDefault'),
  };
}

export function deviceRow(row: XmlElement): StagedRow {
  return {
    pkid: pkidOf(row),
    name: textAt(row, 'name'),
    description: textAt(row, 'description'),
    product: textAt(row, 'product'),
    model: textAt(row, 'model'),
    protocol: textAt(row, 'protocol'),
    devicepool: textAt(row, 'devicePoolName'),
    owneruserid: textAt(row, 'ownerUserName'),
    allowcticontrol: flagAt(row, 'allowCtiControlFlag'),
    dndstatus: flagAt(row, 'dndStatus'),
    dndoption: textAt(row, 'dndOption'),
  };
}

export function lineRow(row: XmlElement): StagedRow {
  return {
    pkid: pkidOf(row),
    dnorpattern: textAt(row, 'pattern'),
    partition: textAt(row, 'routePartitionName'),
    description: textAt(row, 'description'),
    alertingname: textAt(row, 'alertingName'),
  };
}

/**
 * An end user. The display name is made of the names; CUCM's own, which `listUser` does not carry, comes apart.
 * Assignment columns are empty: they are filled in before the merge.
 */
export function endUserRow(row: XmlElement, domain: string): StagedRow {
  const userid = textAt(row, 'userid');
  const firstname = textAt(row, 'firstName');
  const lastname = textAt(row, 'lastName');
  const extension = element(row, 'primaryExtension');
  const status = textAt(row, 'status');
  return {
    pkid: pkidOf(row),
    userid,
    firstname,
    middlename: textAt(row, 'middleName'),
    lastname,
    displayname: `${firstname} ${lastname}`.trim(),
    mailid: textAt(row, 'mailid'),
    department: textAt(row, 'department'),
    title: textAt(row, 'title'),
    manager: textAt(row, 'manager'),
    telephonenumber: textAt(row, 'telephoneNumber'),
    homenumber: textAt(row, 'homeNumber'),
    mobilenumber: textAt(row, 'mobileNumber'),
    pagernumber: textAt(row, 'pagerNumber'),
    userlocale: textAt(row, 'userLocale'),
    directoryuri: textAt(row, 'directoryUri'),
    imaddress: `${userid}@${domain}`,
    xcp_user_id: escapeLocal(userid.toLowerCase()),
    enablecups: flagAt(row, 'imAndPresenceEnable'),
    islocaluser: flagAt(row, 'homeCluster'),
    // 1 is active; a release that does not say so has only active ones.
    status: status === '' || status === '1' ? 1 : 0,
    enablecalendarpresence: flagAt(row, 'calendarPresence'),
    serviceprofile: textAt(row, 'serviceProfile'),
    primaryextension: extension ? textAt(extension, 'pattern') || textOf(extension).trim() : '',
    primarynodeid: null,
    tkassignmentstate: 0,
  };
}

/** The domain of a directory URI in lower case; null when it is no valid `user@domain`. */
export function directoryUriDomain(uri: string): string | null {
  const at = uri.lastIndexOf('@');
  if (at <= 0 || uri.indexOf('@') !== at) return null;
  const domain = uri.slice(at + 1).toLowerCase();
  return DOMAIN.test(domain) ? domain : null;
}

const DOMAIN =
  /^(?=.{1,253}$)(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.)*[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?$/u;
