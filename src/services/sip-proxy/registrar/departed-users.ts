import { ImpError } from '../../../platform/errors.ts';
import type { RouteDatastore } from '../../route-datastore/route-datastore.ts';
import type { SipRegistrationDatastore } from '../../sip-registration-datastore/sip-registration-datastore.ts';

export const DEPARTED_MS = 60_000;
const PER_TURN = 500;

/**
 * Removes the registrations of those whom this node serves no longer: moved, removed or disabled. Nothing happens while a
 * store is away.
 * @returns how many users were forgotten
 */
export async function forgetDeparted(
  registrations: SipRegistrationDatastore,
  routes: RouteDatastore,
  nodeName: string,
): Promise<number> {
  let forgotten = 0;
  try {
    // Only what this node has taken: where the store is shared, the user may have registered at another node by now.
    const taken = Map.groupBy(await registrations.bindingsOfNode(nodeName), ({ address }) => address);
    for (const [place, [address, bindings]] of [...taken].entries()) {
      // Requests get their turn in between.
      if (place % PER_TURN === PER_TURN - 1) await new Promise((resolve) => setImmediate(resolve));
      const user = await routes.userByAddress(address);
      const route = user === undefined ? undefined : await routes.routeOfUser(user.userid);
      if (route?.kind === 'here' && route.user.isEnabled) continue;
      for (const binding of bindings) await registrations.remove(binding);
      forgotten += 1;
    }
  } catch (error) {
    if (!(error instanceof ImpError) || error.kind !== 'unavailable') throw error;
  }
  return forgotten;
}
