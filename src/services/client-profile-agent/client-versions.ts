import { Refusal } from './errors.ts';
import type { OperationNeeds } from './operation.ts';
import { readParameter, CPA_SERVICE as SERVICE } from './parameters.ts';

/** Service parameter that holds the lowest version served, for one client type: `Client.CUPC.MinimumVersion`. */
const parameterOf = (clientType: string): string => `Client.${clientType}.MinimumVersion`;
const LEGACY_ALARM = 'LegacyCUPCLogin';
const JABBER = 'cupc';

/** Refuses a client older than the administrator's minimum for its type. @throws Refusal `clientTooOld` */
export async function checkClientVersion(
  needs: Pick<OperationNeeds, 'ids' | 'alarms'>,
  clientType: string,
  version: string,
): Promise<void> {
  if (clientType === '') return;
  const minimum = await readParameter(needs.ids.read, parameterOf(clientType));
  if (minimum === '') return;
  const isJabber = clientType.toLowerCase() === JABBER;
  if (compareVersions(version, minimum) >= 0) {
    if (isJabber) needs.alarms.clear(SERVICE, LEGACY_ALARM);
    return;
  }
  if (isJabber) {
    needs.alarms.raise(SERVICE, LEGACY_ALARM, 4, `a client older than version ${minimum} tried to sign in`);
  }
  throw new Refusal('clientTooOld');
}

/** Compares dotted numbers part by part; what is not a number counts as 0. Negative when `a` is the older. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function partsOf(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0);
}
