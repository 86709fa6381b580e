import type { ClientSession } from '../../login-datastore/login-datastore.ts';
import { literalAddress } from '../callbacks/callback-target.ts';
import { PwsFault } from '../errors.ts';
import type { ActionNeeds } from '../needs.ts';
import type { EndPoint } from '../pools/registrations.ts';
import { expiryMs } from './expiry.ts';
import { requireAlive } from './session.ts';

const MAX_URL_CHARACTERS = 2_048;

export interface EndPointRequest {
  /** 0: a new one; else the expiry of this one is renewed. */
  readonly id: number;
  /** '' when there is none. */
  readonly url: string;
  /** Seconds; undefined when there is none, NaN when it is no number. */
  readonly expiration: number | undefined;
}

/** @throws PwsFault 123, 130, 131, 132, 136, 138, 142 */
export async function registerEndPoint(
  needs: ActionNeeds,
  session: ClientSession,
  request: EndPointRequest,
): Promise<number> {
  const { endPoints } = needs.registrations;
  if (request.id !== 0) {
    if (request.url.trim() !== '') throw new PwsFault('urlInRefresh');
    const endPoint = endPointOf(needs, session.id, request.id);
    endPoints.renew(endPoint.id, expiryMs(request.expiration));
    return endPoint.id;
  }
  const url = checkedUrl(needs, request.url);
  const lifeMs = expiryMs(request.expiration);
  const made = endPoints.add((id) => ({ id, sessionId: session.id, url }), lifeMs);
  if (!made) throw new PwsFault('noFreeEndpoint');
  await requireAlive(needs, session);
  needs.log.info({ endPoint: made.id, application: session.userid }, 'endpoint registered');
  return made.id;
}

/** Ends the endpoint and its subscriptions. @throws PwsFault 132, 136 */
export function unregisterEndPoint(needs: ActionNeeds, session: ClientSession, id: number): void {
  needs.registrations.endPoints.remove(endPointOf(needs, session.id, id).id);
}

/** @throws PwsFault 132, 136 */
export function endPointOf(needs: ActionNeeds, sessionId: string | undefined, id: number): EndPoint {
  const endPoint = needs.registrations.endPoints.get(id);
  if (!endPoint) throw new PwsFault('noEndpoint');
  if (endPoint.sessionId !== sessionId) throw new PwsFault('foreignEndpoint');
  return endPoint;
}

function checkedUrl(needs: ActionNeeds, text: string): string {
  const url = text.trim();
  if (url === '') throw new PwsFault('noUrl');
  if (/\s/.test(url)) throw new PwsFault('spacesInUrl');
  if (url.length > MAX_URL_CHARACTERS || !URL.canParse(url)) throw new PwsFault('noUrl', 'the value is not a URL');
  const parsed = new URL(url);
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw new PwsFault('noUrl', 'the URL must be one of http or https');
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new PwsFault('noUrl', 'the URL must not hold a user name or password');
  }
  const literal = literalAddress(parsed);
  if (literal !== undefined && !needs.isTargetAllowed(literal)) {
    throw new PwsFault('noUrl', 'the address is not allowed as the target of a callback');
  }
  return url;
}
