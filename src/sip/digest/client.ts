import { cseqOf, type SipRequest, type SipResponse } from '../message/message.ts';
import { randomText } from '../random-text.ts';
import { quote } from '../values/scan.ts';
import type { AuthValue } from '../values/simple.ts';
import { type DigestAlgorithm, digestAlgorithm, digestHa1, digestResponse } from './algorithms.ts';

export interface DigestClient {
  /**
   * The request again, with credentials for the challenges of a 401 or 407 and the next CSeq; undefined when none can
   * be answered, or when the answer to this very challenge was just refused (RFC 3261 22.2).
   */
  answer(request: SipRequest, response: SipResponse): SipRequest | undefined;
}

export interface DigestClientOptions {
  readonly username: string;
  /** A realm that has no password here is not answered. */
  readonly passwordFor: (realm: string) => string | undefined;
  /** Algorithms that may be answered; default all. */
  readonly algorithms?: readonly DigestAlgorithm[];
  readonly newCnonce?: () => string;
}

/** Digest access authentication, the client's side (RFC 8760 2.4). One client belongs to one conversation. */
export function createDigestClient(options: DigestClientOptions): DigestClient {
  const newCnonce = options.newCnonce ?? (() => randomText(12));
  /** Nonces that were answered, with their count. */
  const counts = new Map<string, number>();

  const credentialsFor = (challenge: AuthValue, method: string, uri: string): string | undefined => {
    const { params } = challenge;
    const realm = params.get('realm');
    const nonce = params.get('nonce');
    const algorithm = digestAlgorithm(params.get('algorithm'));
    if (challenge.scheme !== 'digest' || realm === undefined || nonce === undefined || algorithm === undefined)
      return undefined;
    if (options.algorithms !== undefined && !options.algorithms.includes(algorithm)) return undefined;
    const offered = params
      .get('qop')
      ?.split(',')
      .map((each) => each.trim().toLowerCase());
    if (offered !== undefined && !offered.includes('auth')) return undefined;
    const password = options.passwordFor(realm);
    if (password === undefined) return undefined;
    const count = (counts.get(nonce) ?? 0) + 1;
    counts.set(nonce, count);
    const qop = offered === undefined ? undefined : { nc: count.toString(16).padStart(8, '0'), cnonce: newCnonce() };
    const ha1 = digestHa1(algorithm, options.username, realm, password);
    const response = digestResponse({ algorithm, ha1, nonce, method, uri, qop });
    const parts = [
      `Digest username=${quote(options.username)}`,
      `realm=${quote(realm)}`,
      `nonce=${quote(nonce)}`,
      `uri=${quote(uri)}`,
      `response="${response}"`,
      `algorithm=${params.get('algorithm') ?? 'MD5'}`,
    ];
    if (qop !== undefined) parts.push(`cnonce=${quote(qop.cnonce)}`, 'qop=auth', `nc=${qop.nc}`);
    const opaque = params.get('opaque');
    if (opaque !== undefined) parts.push(`opaque=${quote(opaque)}`);
    return parts.join(', ');
  };

  return {
    answer(request, response) {
      const isProxy = response.status === 407;
      if (!isProxy && response.status !== 401) return undefined;
      const name = isProxy ? 'Proxy-Authorization' : 'Authorization';
      const headers = request.headers.clone();
      const answered = new Set<string>();
      const tried = new Set(
        request.headers.list(isProxy ? 'proxy-authorization' : 'authorization').map((each) => each.params.get('nonce')),
      );
      headers.delete(name);
      // The topmost challenge of each realm that is understood is answered.
      for (const challenge of response.headers.list(isProxy ? 'proxy-authenticate' : 'www-authenticate')) {
        const realm = challenge.params.get('realm') ?? '';
        const wasRefused = tried.has(challenge.params.get('nonce'));
        const isStale = challenge.params.get('stale')?.toLowerCase() === 'true';
        if (answered.has(realm) || wasRefused || (tried.size > 0 && !isStale && hadRealm(request, isProxy, realm)))
          continue;
        const credentials = credentialsFor(challenge, request.method, request.uri);
        if (credentials === undefined) continue;
        headers.add(name, credentials);
        answered.add(realm);
      }
      if (answered.size === 0) return undefined;
      const { number, method } = cseqOf(request);
      headers.set('CSeq', `${number + 1} ${method}`).delete('via');
      return { ...request, headers };
    },
  };
}

/** A realm whose credentials were just sent and are asked for again, not stale: the password is wrong. */
function hadRealm(request: SipRequest, isProxy: boolean, realm: string): boolean {
  return request.headers
    .list(isProxy ? 'proxy-authorization' : 'authorization')
    .some((each) => each.params.get('realm') === realm);
}
