/**
 * The interface's names in one place. Some are seen on the wire of real clients; those marked "ours" no public source
 * settles: were the vendor's schema to turn up, they would change here and in `wsdl/`.
 */
export const EPAS_NAMESPACE = 'urn:cisco:epas:soap';
/** Ours. */
export const RULES_NAMESPACE = 'urn:cisco:epas:presence-rules';

/** Namespaces in which clients send the session key: ours and those of the sister service. */
export const SESSION_KEY_NAMESPACES: ReadonlySet<string> = new Set([
  EPAS_NAMESPACE,
  'urn:cisco:cup:tpi:soap',
  'urn:cisco:cup:presence:soap',
]);

/** Versions that may follow the base path; a client learns them from the answer to `login`. Ours, but for 70, 80, 105. */
export const VERSIONS = [
  'v70',
  'v80',
  'v85',
  'v86',
  'v90',
  'v91',
  'v100',
  'v105',
  'v110',
  'v115',
  'v120',
  'v125',
  'v140',
  'v150',
] as const;

/** The action of a request to an operation; that of the answer has `Response` behind it. Ours. */
export function actionOf(operation: string): string {
  return `${EPAS_NAMESPACE}/EpasSoapServiceInterface/${operation.replaceAll('-', '_')}`;
}

/** Properties of `get-contact-info` and `set-contact-info`. Ours. */
export const CONTACT_INFO_PROPERTIES = [
  'FirstName',
  'LastName',
  'Title',
  'Company',
  'HomeNumber',
  'WorkNumber',
  'MobileNumber',
  'OtherNumber',
  'Email',
] as const;

const ROLES = ['Primary', 'Backup1', 'Backup2'] as const;
const ENDPOINT = ['Address', 'Port', 'Protocol'] as const;
const endpoints = (prefix: string, roles: readonly string[], fields: readonly string[]): string[] =>
  roles.flatMap((role) => fields.map((field) => `${prefix}.${role}.${field}`));

export const PRESENCE_DOMAIN = 'Presence.Domain';
/** Always sent empty: a directory's password is not for handing out. */
export const DIRECTORY_PASSWORD = 'Directory.Password';

/** Properties of `get-system-config`, in the order they are sent. */
export const SYSTEM_PROPERTIES: readonly string[] = [
  PRESENCE_DOMAIN,
  ...endpoints('VoiceMail', ROLES, ENDPOINT),
  'VoiceMail.PilotNumber',
  ...endpoints('MeetingPlace', ['Primary'], [...ENDPOINT, 'ServerType', 'SiteID', 'PartnerID']),
  ...endpoints('MeetingPlace', ['Backup1', 'Backup2'], [...ENDPOINT, 'ServerType']),
  'MeetingPlace.CertLevel',
  ...endpoints('CallControl', ROLES, ENDPOINT),
  ...endpoints('Directory', ROLES, ENDPOINT),
  'Directory.DN',
  DIRECTORY_PASSWORD,
  'Directory.AnonymousBind',
  'Directory.ConfigurationName',
  ...['1', '2', '3'].flatMap((number) => [`Directory.SearchContext${number}`, `Directory.SearchRecursive${number}`]),
];

/** Properties of `get-user-config`: values that are allowed, and the default. Ours. */
export const USER_PROPERTIES: Readonly<
  Record<string, { readonly values: readonly string[]; readonly default: string }>
> = {
  'Privacy.Internal': { values: ['allow', 'deny', 'ask'], default: 'allow' },
  'Privacy.External': { values: ['allow', 'deny', 'ask'], default: 'ask' },
  'Privacy.AllowContacts': { values: ['TRUE', 'FALSE'], default: 'TRUE' },
  'Calendar.InPresence': { values: ['TRUE', 'FALSE'], default: 'TRUE' },
  'Phone.InPresence': { values: ['TRUE', 'FALSE'], default: 'TRUE' },
};

/** Free properties that a client keeps for itself. Ours. */
export const CLIENT_PROPERTIES = { prefix: 'Client.', maxCharacters: 1024, maxCount: 100 } as const;

/** Properties of `get-calendar-options` and `get-phone-presence`. Ours. */
export const OPTION_PROPERTIES = {
  calendar: {
    'Calendar.InPresence': { values: ['TRUE', 'FALSE'], default: 'TRUE' },
    'Calendar.SubjectVisible': { values: ['TRUE', 'FALSE'], default: 'FALSE' },
  },
  phone: { 'Phone.InPresence': { values: ['TRUE', 'FALSE'], default: 'TRUE' } },
} as const;
