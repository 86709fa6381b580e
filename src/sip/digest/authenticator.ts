import { randomBytes } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import { malformed } from '../errors.ts';
import type { SipRequest } from '../message/message.ts';
import { quote } from '../values/scan.ts';
import type { AuthValue } from '../values/simple.ts';
import { parseUri, type Uri } from '../values/uri.ts';
import {
  DIGEST_ALGORITHMS,
  type DigestAlgorithm,
  digestAlgorithm,
  digestHa1,
  digestResponse,
  isSameDigest,
} from './algorithms.ts';
import { createNonces } from './nonces.ts';

/** `www`: 401 of a registrar or user agent; `proxy`: 407. */
export type DigestRole = 'www' | 'proxy';

/** What is known of a user: the password, or H(A1) for each algorithm that may be used. */
export type DigestSecret =
  | { readonly password: string }
  | { readonly ha1: Readonly<Partial<Record<DigestAlgorithm, string>>> };

export type DigestOutcome =
  | { readonly outcome: 'accepted'; readonly username: string; readonly algorithm: DigestAlgorithm }
  /** Ask (again): no credentials for the realm, or a nonce that is no longer good (`stale`: the password was right). */
  | { readonly outcome: 'challenge'; readonly isStale: boolean }
  /** The user is not known, or the password is wrong. */
  | { readonly outcome: 'denied'; readonly username: string };

export interface DigestAuthenticator {
  readonly realm: string;
  /** Header fields for a 401 or 407, one for each algorithm, the best first (RFC 8760 2.3). */
  challenge(role: DigestRole, isStale?: boolean): readonly (readonly [string, string])[];
  /** @throws SipError `sip.malformed` (400) for credentials that lack what the scheme needs */
  check(request: SipRequest, role: DigestRole): Promise<DigestOutcome>;
}

export interface DigestAuthenticatorOptions {
  readonly realm: string;
  readonly clock: Clock;
  readonly secretOf: (username: string) => DigestSecret | undefined | Promise<DigestSecret | undefined>;
  /** Default: SHA-256 and MD5, in this order. */
  readonly algorithms?: readonly DigestAlgorithm[];
  /** Default 5 minutes. */
  readonly nonceLifetimeMs?: number;
  /** Default 100,000. */
  readonly maxTrackedNonces?: number;
  /** Nodes that share it take each other's nonces; default: a random one. */
  readonly secret?: Buffer;
  /**
   * Whether a digest made for one URI is good for a request with another: a proxy on the way may have changed it
   * (RFC 8760 2.6 item 6). Default: when both name the same host.
   */
  readonly acceptsUri?: (digestUri: Uri, request: SipRequest) => boolean;
}

const FIELDS: Readonly<
  Record<DigestRole, { readonly challenge: string; readonly credentials: 'authorization' | 'proxy-authorization' }>
> = {
  www: { challenge: 'WWW-Authenticate', credentials: 'authorization' },
  proxy: { challenge: 'Proxy-Authenticate', credentials: 'proxy-authorization' },
};

/** Digest access authentication, the server's side: RFC 7616 as RFC 8760 brings it to SIP, qop `auth`. */
export function createDigestAuthenticator(options: DigestAuthenticatorOptions): DigestAuthenticator {
  const algorithms = options.algorithms ?? DIGEST_ALGORITHMS.filter((each) => each !== 'SHA-512-256');
  const nonces = createNonces({
    clock: options.clock,
    secret: options.secret ?? randomBytes(32),
    lifetimeMs: options.nonceLifetimeMs ?? 300_000,
    maxTracked: options.maxTrackedNonces ?? 100_000,
  });
  /** So that an unknown user takes as long as a known one. */
  const nobody: DigestSecret = { password: randomBytes(16).toString('hex') };
  const acceptsUri = options.acceptsUri ?? isSameHost;

  return {
    realm: options.realm,
    challenge(role, isStale = false) {
      const nonce = nonces.issue();
      const stale = isStale ? ', stale=true' : '';
      return algorithms.map((algorithm) => [
        FIELDS[role].challenge,
        `Digest realm=${quote(options.realm)}, nonce="${nonce}"${stale}, algorithm=${algorithm}, qop="auth"`,
      ]);
    },
    async check(request, role) {
      const key = FIELDS[role].credentials;
      const credentials = request.headers.list(key).find((each) => isForUs(each, options.realm, algorithms));
      if (credentials === undefined) return { outcome: 'challenge', isStale: false };
      const given = readCredentials(credentials, role);
      const issuedAt = nonces.issuedAt(given.nonce);
      if (issuedAt === undefined || !acceptsUri(parseUri(given.uri), request)) {
        return { outcome: 'challenge', isStale: false };
      }
      const secret = await options.secretOf(given.username);
      const ha1 = ha1Of(secret ?? nobody, given.algorithm, given.username, options.realm);
      const expected = digestResponse({ ...given, ha1: ha1 ?? '', method: request.method });
      const isRight = isSameDigest(expected, given.response);
      if (!isRight || secret === undefined || ha1 === undefined) return { outcome: 'denied', username: given.username };
      // A client without qop counts nothing, so its nonce is good once.
      const verdict = nonces.use(
        given.nonce,
        issuedAt,
        given.qop === undefined ? 1 : Number.parseInt(given.qop.nc, 16),
      );
      if (verdict !== 'good') return { outcome: 'challenge', isStale: true };
      return { outcome: 'accepted', username: given.username, algorithm: given.algorithm };
    },
  };
}

function isForUs(credentials: AuthValue, realm: string, algorithms: readonly DigestAlgorithm[]): boolean {
  if (credentials.scheme !== 'digest' || credentials.params.get('realm') !== realm) return false;
  const algorithm = digestAlgorithm(credentials.params.get('algorithm'));
  return algorithm !== undefined && algorithms.includes(algorithm);
}

interface GivenCredentials {
  readonly username: string;
  readonly algorithm: DigestAlgorithm;
  readonly nonce: string;
  readonly uri: string;
  readonly response: string;
  readonly qop: { readonly nc: string; readonly cnonce: string } | undefined;
}

function readCredentials(credentials: AuthValue, role: DigestRole): GivenCredentials {
  const { params } = credentials;
  const where = role === 'www' ? 'Authorization header' : 'Proxy-Authorization header';
  const need = (name: string): string => {
    const value = params.get(name);
    if (value === undefined || value === '') throw malformed(where, `no ${name}`);
    return value;
  };
  const qop = params.get('qop');
  if (qop !== undefined && qop.toLowerCase() !== 'auth') throw malformed(where, 'a qop that was not offered');
  if (qop !== undefined && !/^[0-9A-Fa-f]{8}$/.test(need('nc')))
    throw malformed(where, 'no nonce count of eight digits');
  return {
    username: need('username'),
    algorithm: digestAlgorithm(params.get('algorithm')) ?? 'MD5',
    nonce: need('nonce'),
    uri: need('uri'),
    response: need('response'),
    qop: qop === undefined ? undefined : { nc: need('nc'), cnonce: need('cnonce') },
  };
}

function ha1Of(secret: DigestSecret, algorithm: DigestAlgorithm, username: string, realm: string): string | undefined {
  return 'ha1' in secret ? secret.ha1[algorithm] : digestHa1(algorithm, username, realm, secret.password);
}

function isSameHost(digestUri: Uri, request: SipRequest): boolean {
  const uri = parseUri(request.uri);
  if (digestUri.kind !== 'sip' || uri.kind !== 'sip') return digestUri.scheme === uri.scheme;
  return digestUri.host === uri.host;
}
