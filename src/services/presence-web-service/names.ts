/** The interface's names in one place. */

/** The service's name in alarms, logs and counters: its folder. */
export const PWS_SERVICE = 'presence-web-service';

export const PWS_NAMESPACE = 'urn:cisco:cup:presence:soap';

/** Namespaces in which clients send the session key: ours, that of older documents, and that of the sister service. */
export const SESSION_KEY_NAMESPACES: ReadonlySet<string> = new Set([
  PWS_NAMESPACE,
  'urn:cisco:cup:tpi:soap',
  'urn:cisco:epas:soap',
]);

export const BASE_PATH = '/presence-service';
export const SOAP_PATH = `${BASE_PATH}/soap`;
export const SCHEMA_PATH = `${BASE_PATH}/presence-web-service.xsd`;

/** The action of a request to an operation; one is named after an older operation. */
export function actionOf(operation: string): string {
  return `${PWS_NAMESPACE}/${operation === 'getPolledPresence' ? 'getPresence' : operation}`;
}

export const PRESENCE_TYPES = ['BASIC_PRESENCE', 'RICH_PRESENCE'] as const;
export type PresenceType = (typeof PRESENCE_TYPES)[number];

/** The only event there is, and the one that callbacks name. */
export const EVENT_TYPE = 'PRESENCE_NOTIFICATION';

export const EXPIRY_SECONDS = { min: 3_600, max: 86_400 } as const;
export const MAX_CONTACTS = 5_000;
/** Characters of a PIDF document. */
export const MAX_PIDF_CHARACTERS = 64 * 1024;

/** What every tuple set without override names as its source. */
export const SOURCE_TEXT = 'Presence Web Service';

export const TUPLE = {
  /** Basic presence set here. */
  basic: 'cisco-pws',
  override: 'pws-override',
  /** An override that outlives its session. */
  persistent: 'pws-persistent',
} as const;
