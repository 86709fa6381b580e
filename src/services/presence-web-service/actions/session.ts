import type { ClientSession } from '../../login-datastore/login-datastore.ts';
import { PwsFault } from '../errors.ts';
import type { ActionNeeds } from '../needs.ts';

export type Who = 'any' | 'enduser' | 'applicationuser';

/**
 * The session of a key, if it is good here and may do this.
 * @throws PwsFault 100, 101, 140, 141, 212
 */
export async function sessionOf(needs: ActionNeeds, key: string, who: Who): Promise<ClientSession> {
  if (key === '') throw new PwsFault('noSessionKey');
  const session = await needs.loginDatastore.find(key);
  // A key of Jabber's sign-in at the sister service is none of ours.
  if (!session || !needs.loginDatastore.isShared(session)) throw new PwsFault('sessionNotValid');
  if (!needs.requestRate.take(session.id)) throw new PwsFault('tooManyRequests');
  if (who === 'enduser' && session.kind !== 'enduser') throw new PwsFault('endUserNeeded');
  if (who === 'applicationuser' && session.kind !== 'applicationuser') throw new PwsFault('applicationUserNeeded');
  return session;
}

/** The end user's bare address in lower case. @throws PwsFault 101 when the user may not be here any more */
export async function addressOf(needs: ActionNeeds, session: ClientSession): Promise<string> {
  const route = await needs.routeDatastore.routeOfUser(session.userid);
  if (route.kind !== 'here' || !route.user.isEnabled || route.user.pkid !== session.userPkid) {
    throw new PwsFault('sessionNotValid');
  }
  return route.user.imaddress.toLowerCase();
}

/**
 * To be called after something has been hung on the session: it may have ended while that was being done, and what
 * ends with a session has gone by then.
 * @throws PwsFault 101, with what hung on it ended
 */
export async function requireAlive(needs: ActionNeeds, session: ClientSession): Promise<void> {
  if (await needs.loginDatastore.findById(session.id)) return;
  needs.sessionEnds.ended(session);
  await needs.sessionEnds.settled();
  throw new PwsFault('sessionNotValid');
}
