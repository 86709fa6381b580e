/** The interface's names in one place. */

/** The service's name in alarms, logs and counters: its folder. */
export const RCC_SERVICE = 'rcc-device-selection';
export const RCC_TITLE = 'Cisco RCC Device Selection';

/** Access control groups of CUCM (docs/services/rcc-device-selection.md). */
export const END_USER_GROUP = 'Standard CCM End Users';
export const RCC_GROUP = 'Standard CTI Enabled';

/** `enduserdevicemap.tkuserassociation` of a device that the user controls. */
export const CONTROLLED_DEVICE = 1;

export const RCC_NAMESPACE = 'urn:imp-gateway:rcc-device-selection';
export const BASE_PATH = '/rcc-device-selection';
export const SOAP_PATH = `${BASE_PATH}/soap`;

/** Namespaces in which clients send the session key: ours, and those of the services that give it out. */
export const SESSION_KEY_NAMESPACES: ReadonlySet<string> = new Set([
  RCC_NAMESPACE,
  'urn:cisco:epas:soap',
  'urn:cisco:cup:presence:soap',
]);
