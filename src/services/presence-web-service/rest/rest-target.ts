import { BASE_PATH, type PresenceType } from '../names.ts';

/** What a URL of the REST face names. `user` is the user id of the path; ids and contacts are as they stand there. */
export type RestTarget =
  | { readonly kind: 'session'; readonly user: string }
  | { readonly kind: 'endpoints' }
  | { readonly kind: 'endpoint'; readonly id: string }
  | { readonly kind: 'subscriptions'; readonly user: string }
  | { readonly kind: 'subscription'; readonly user: string; readonly id: string }
  | { readonly kind: 'presence'; readonly user: string; readonly type: PresenceType }
  | {
      readonly kind: 'contacts';
      readonly user: string;
      readonly type: PresenceType;
      readonly uris: readonly string[];
    }
  | { readonly kind: 'subscribed'; readonly user: string; readonly type: PresenceType; readonly id: string }
  | { readonly kind: 'not-found' };

const NOT_FOUND: RestTarget = { kind: 'not-found' };
const TYPE_OF: Readonly<Record<string, PresenceType>> = { basic: 'BASIC_PRESENCE', rich: 'RICH_PRESENCE' };

/** @param url path and query, under the base path. */
export function restTargetOf(url: string): RestTarget {
  const mark = url.indexOf('?');
  let path = (mark < 0 ? url : url.slice(0, mark)).slice(BASE_PATH.length);
  if (path.endsWith('/') && path !== '/') path = path.slice(0, -1);
  const query = mark < 0 ? '' : url.slice(mark + 1);
  const [root, ...parts] = path.split('/').slice(1);
  if (root === 'endpoints') return ofEndPoints(parts);
  if (root === 'users' && parts.length >= 2) {
    const [user, ...rest] = parts as [string, ...string[]];
    return ofUser(decode(user), rest, query);
  }
  return NOT_FOUND;
}

function ofEndPoints(parts: readonly string[]): RestTarget {
  if (parts.length === 0) return { kind: 'endpoints' };
  return parts.length === 1 ? { kind: 'endpoint', id: decode(parts[0] as string) } : NOT_FOUND;
}

function ofUser(user: string, parts: readonly string[], query: string): RestTarget {
  const [what, second, third, last] = parts;
  const count = parts.length;
  // Plural and singular alike: a client that follows a redirect lands on the other one.
  if ((what === 'sessions' || what === 'session') && count === 1) return { kind: 'session', user };
  if (what === 'subscriptions') {
    if (count === 1) return { kind: 'subscriptions', user };
    return count === 2 ? { kind: 'subscription', user, id: decode(second as string) } : NOT_FOUND;
  }
  const type = second === undefined || !Object.hasOwn(TYPE_OF, second) ? undefined : TYPE_OF[second];
  if (what !== 'presence' || type === undefined) return NOT_FOUND;
  if (count === 2) return { kind: 'presence', user, type };
  if (third === 'contacts' && count <= 4) return { kind: 'contacts', user, type, uris: urisOf(last, query) };
  if (third === 'subscriptions' && count === 4) return { kind: 'subscribed', user, type, id: decode(last as string) };
  return NOT_FOUND;
}

/** Several contacts: joined with commas in the path, or `?contact=` repeated. */
function urisOf(joined: string | undefined, query: string): readonly string[] {
  const ofPath = joined === undefined || joined === '' ? [] : decode(joined).split(',');
  return [...ofPath, ...new URLSearchParams(query).getAll('contact')];
}

/** What is not percent-encoded right is taken as it stands; whoever reads it finds nothing of that name. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
