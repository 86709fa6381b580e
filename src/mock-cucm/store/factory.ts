import type { Writing } from './access.ts';
import { pkidOf } from './pkid.ts';

/** Objects by table that every CUCM is delivered with, as scripts expect them. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  matrix: ['Standard Presence group'],
  devicepool: ['Default'],
  location: ['Hub_None', 'Phantom', 'Shadow'],
  commonphoneconfig: ['Standard Common Phone Profile'],
  phonetemplate: [
    'Standard Client Services Framework',
    'Standard 7841 SIP',
    'Standard 8841 SIP',
    'Standard 8851 SIP',
    'Standard 8861 SIP',
    'Universal Device Template Button Layout',
  ],
  softkeytemplate: ['Standard User', 'Standard Feature', 'Standard Manager', 'Standard Assistant'],
  sipprofile: ['Standard SIP Profile', 'Standard SIP Profile For Cisco VCS'],
  securityprofile: [
    'Cisco Unified Client Services Framework - Standard SIP Non-Secure Profile',
    'Cisco 7841 - Standard SIP Non-Secure Profile',
    'Cisco 8841 - Standard SIP Non-Secure Profile',
    'Cisco 8851 - Standard SIP Non-Secure Profile',
    'Cisco Dual Mode for iPhone - Standard SIP Non-Secure Profile',
    'Cisco Dual Mode for Android - Standard SIP Non-Secure Profile',
    'Universal Device Template - Model-independent Security Profile',
  ],
  credentialpolicy: ['Default Credential Policy'],
};

export const AXL_ROLE = {
  full: 'Standard AXL API Access',
  users: 'Standard AXL API Users',
  readOnly: 'Standard AXL Read Only API Access',
} as const;

const ROLES: readonly string[] = [
  AXL_ROLE.full,
  AXL_ROLE.users,
  AXL_ROLE.readOnly,
  'Standard CCM Admin Users',
  'Standard CCM End Users',
  'Standard CTI Enabled',
  'Standard CTI Allow Control of All Devices',
  'Standard CCMUSER Administration',
  'Standard Admin Rep Tool Admin',
  'Standard SERVICEABILITY',
  'Standard Admin-3rd Party API',
];

/** Access control groups and the roles they give. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'Standard CCM Super Users': ['Standard CCM Admin Users', 'Standard SERVICEABILITY', AXL_ROLE.full],
  'Standard CCM End Users': ['Standard CCM End Users', 'Standard CCMUSER Administration'],
  'Standard CTI Enabled': ['Standard CTI Enabled'],
  'Standard CTI Allow Control of All Devices': ['Standard CTI Allow Control of All Devices'],
  'Standard CCM Admin Users': ['Standard CCM Admin Users'],
  'Standard CCM Read Only': ['Standard CCM Admin Users'],
  'Standard AXL API Access': [AXL_ROLE.full],
  'Standard AXL API Users': [AXL_ROLE.users],
  'Standard AXL Read Only API Access': [AXL_ROLE.users, AXL_ROLE.readOnly],
  'Admin-3rd Party API': ['Standard Admin-3rd Party API'],
};

/** The virtual node of enterprise parameters; its key is the same on every CUCM. */
export const ENTERPRISE_NODE = 'EnterpriseWideData';
const ENTERPRISE_PKID = '00000000-1111-0000-0000-000000000000';
export const PUBLISHER = 'cucm1';

const USAGE = { publisher: 0, subscriber: 1 } as const;
const ROLE = { voice: 1, presence: 2 } as const;

/** Services that run on each kind of node. */
const VOICE_SERVICES = [
  'Cisco CallManager',
  'Cisco CTIManager',
  'Cisco Tftp',
  'Cisco AXL Web Service',
  'Cisco Database Layer Monitor',
];
const PRESENCE_SERVICES = [
  'Cisco Sync Agent',
  'Cisco XCP Router',
  'Cisco XCP Connection Manager',
  'Cisco XCP Authentication Service',
  'Cisco Presence Engine',
  'Cisco SIP Proxy',
  'Cisco Client Profile Agent',
  'Cisco Intercluster Sync Agent',
  'Cisco Config Agent',
  'Cisco Server Recovery Manager',
];

/** Parameters: node, service, name, value, kind of value. */
const PARAMETERS: readonly (readonly [node: string, service: string, name: string, value: string, kind: string])[] = [
  [ENTERPRISE_NODE, 'Enterprise Wide', 'ClusterID', 'StandAloneCluster', 'string'],
  [ENTERPRISE_NODE, 'Enterprise Wide', 'OrganizationTopLevelDomain', '', 'string'],
  [ENTERPRISE_NODE, 'Enterprise Wide', 'ClusterFullyQualifiedDomainName', '', 'string'],
  [ENTERPRISE_NODE, 'Enterprise Wide', 'UserAssignmentModeForPresenceServer', 'Balanced', 'string'],
  [ENTERPRISE_NODE, 'Enterprise Wide', 'MaxPhonesUserCanBeAssociated', '16', 'long'],
  [ENTERPRISE_NODE, 'Cisco Database Layer Monitor', 'AXLChangeNotification', 'T', 'boolean'],
  [PUBLISHER, 'Cisco CallManager', 'DefaultPresenceSubscriptionPolicy', 'F', 'boolean'],
  [PUBLISHER, 'Cisco Database Layer Monitor', 'MaintenanceTime', '24', 'long'],
];

/** What every CUCM holds before anybody has configured anything, for the nodes of ours that stand beside it. */
export function seedFactory(writing: Writing, nodes: readonly string[], domain: string): void {
  const named = (table: string, name: string): string => {
    const pkid = pkidOf('factory', table, name);
    writing.run(`INSERT INTO ${table} (pkid, name) VALUES (?, ?)`, pkid, name);
    return pkid;
  };
  for (const [table, names] of Object.entries(NAMED)) for (const name of names) named(table, name);
  for (const role of ROLES) named('functionrole', role);
  writing.run("UPDATE functionrole SET isstandard = 't'");
  for (const [group, roles] of Object.entries(GROUPS)) {
    const pkid = named('dirgroup', group);
    for (const role of roles) {
      writing.run(
        'INSERT INTO functionroledirgroupmap (pkid, fkfunctionrole, fkdirgroup) VALUES (?, ?, ?)',
        pkidOf('factory', 'functionroledirgroupmap', group, role),
        pkidOf('factory', 'functionrole', role),
        pkid,
      );
    }
  }
  writing.run("UPDATE dirgroup SET isstandard = 't'");
  node(writing, ENTERPRISE_NODE, ENTERPRISE_PKID, USAGE.subscriber, ROLE.voice, '');
  node(writing, PUBLISHER, pkidOf('factory', 'processnode', PUBLISHER), USAGE.publisher, ROLE.voice, '');
  for (const service of VOICE_SERVICES) runs(writing, PUBLISHER, service);
  for (const [index, name] of nodes.entries()) {
    const usage = index === 0 ? USAGE.publisher : USAGE.subscriber;
    node(writing, name, pkidOf('factory', 'processnode', name), usage, ROLE.presence, domain);
    for (const service of PRESENCE_SERVICES) runs(writing, name, service);
  }
  redundancyGroups(writing, nodes);
  for (const [where, service, name, value, kind] of PARAMETERS) {
    writing.run(
      `INSERT INTO processconfig (pkid, fkprocessnode, tkservice, paramname, paramvalue, tkparam)
       VALUES (?, (SELECT pkid FROM processnode WHERE name = ?), (SELECT enum FROM typeservice WHERE name = ?), ?, ?,
         (SELECT enum FROM typeparam WHERE name = ?))`,
      pkidOf('factory', 'processconfig', where, service, name),
      where,
      service,
      name,
      name === 'OrganizationTopLevelDomain' ? domain : value,
      kind,
    );
  }
  writing.run('INSERT INTO ldapauthentication (pkid) VALUES (?)', pkidOf('factory', 'ldapauthentication'));
}

function node(writing: Writing, name: string, pkid: string, usage: number, role: number, domain: string): void {
  writing.run(
    'INSERT INTO processnode (pkid, name, tknodeusage, tkprocessnoderole, cupdomain) VALUES (?, ?, ?, ?, ?)',
    pkid,
    name,
    usage,
    role,
    domain,
  );
}

function runs(writing: Writing, name: string, service: string): void {
  writing.run(
    `INSERT INTO processnodeservice (pkid, fkprocessnode, tkservice, enable, isactive, numfiles, maxfilesize, tracelevel, usercategories)
     VALUES (?, (SELECT pkid FROM processnode WHERE name = ?), (SELECT enum FROM typeservice WHERE name = ?), 't', 't', 250, 1, 0, 0)`,
    pkidOf('factory', 'processnodeservice', name, service),
    name,
    service,
  );
}

/** The first two nodes stand in for each other; the others wait for an administrator. */
function redundancyGroups(writing: Writing, nodes: readonly string[]): void {
  if (nodes[0] === undefined) return;
  const of = (name: string | undefined): string | null =>
    name === undefined ? null : pkidOf('factory', 'processnode', name);
  writing.run(
    `INSERT INTO presenceredundancygroup (pkid, name, description, fkprocessnode_1, fkprocessnode_2, haenabled)
     VALUES (?, 'DefaultCUPSubcluster', 'Default presence redundancy group', ?, ?, 'f')`,
    pkidOf('factory', 'presenceredundancygroup'),
    of(nodes[0]),
    of(nodes[1]),
  );
}
