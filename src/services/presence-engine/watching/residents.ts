import type { Ids } from '../../../ids/ids.ts';
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

/**
 * NOTE: the Route Datastore follows the IDS as we do, and may not have heard yet of what we are looking at: what ends a
 * residence is read from the user's own row.
 */
export function createResidents(ids: Ids, routes: RouteDatastore): Residents {
  const find = async (address: string): Promise<Residence> => {
    const user = await routes.userByAddress(address);
    if (user === undefined) return { kind: 'nobody' };
    const row = await ids.read
      .selectFrom('enduser')
      .select(['enablecups', 'status', 'primarynodeid', 'peerclusterid', 'deletedat'])
      .where('pkid', '=', user.pkid)
      .executeTakeFirst();
    if (row?.enablecups !== 1 || row.status !== 1 || row.deletedat !== null) return { kind: 'nobody' };
    const { kind } = await routes.routeOfUser(user.userid);
    if (kind === 'here' && row.primarynodeid === user.nodeId) return { kind, user };
    return row.primarynodeid === null && row.peerclusterid === null ? { kind: 'nobody' } : { kind: 'elsewhere' };
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
