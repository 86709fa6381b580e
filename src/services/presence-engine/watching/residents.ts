import { refusal } from '../../../sip/errors.ts';
import type { RouteDatastore, RoutedUser } from '../../route-datastore/route-datastore.ts';
import { RETRY_SECONDS } from '../names.ts';

export type Residence =
  | { readonly kind: 'here'; readonly user: RoutedUser }
  /** Another node or cluster serves the user. */
  | { readonly kind: 'elsewhere' }
  /** There is no such user, or none that may use the service. */
  | { readonly kind: 'nobody' };

/** Whose presence this engine serves. */
export interface Residents {
  /** @param address bare, in lower case */
  find(address: string): Promise<Residence>;
  /** @throws SipError 404, 480 */
  require(address: string): Promise<RoutedUser>;
}

export function createResidents(routes: RouteDatastore): Residents {
  const find = async (address: string): Promise<Residence> => {
    const user = await routes.userByAddress(address);
    if (!user?.isEnabled) return { kind: 'nobody' };
    const { kind } = await routes.routeOfUser(user.userid);
    if (kind === 'here') return { kind, user };
    return kind === 'other-node' || kind === 'peer-cluster' ? { kind: 'elsewhere' } : { kind: 'nobody' };
  };
  return {
    find,
    async require(address) {
      const residence = await find(address);
      if (residence.kind === 'nobody') throw refusal(404, 'Not Found');
      if (residence.kind === 'elsewhere') {
        throw refusal(480, 'Temporarily Unavailable', { 'Retry-After': String(RETRY_SECONDS) });
      }
      return residence.user;
    },
  };
}
