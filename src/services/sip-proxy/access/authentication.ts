import type { Clock } from '../../../platform/clock.ts';
import type { LoginThrottle } from '../../../sign-in/login-throttle.ts';
import type { DigestAlgorithm } from '../../../sip/digest/algorithms.ts';
import {
  createDigestAuthenticator,
  type DigestAuthenticator,
  type DigestRole,
} from '../../../sip/digest/authenticator.ts';
import { refusal } from '../../../sip/errors.ts';
import type { ServerTransaction } from '../../../sip/transaction/server-transaction.ts';
import { parseUri, type SipUri } from '../../../sip/values/uri.ts';
import type { SipCredentials } from './credentials.ts';

export interface AuthenticationNeeds {
  readonly credentials: SipCredentials;
  readonly throttle: LoginThrottle;
  readonly clock: Clock;
  /** In the order of offering. */
  readonly algorithms: readonly DigestAlgorithm[];
  /** A URI of this cluster. */
  readonly isOurs: (uri: SipUri) => boolean;
}

/** Digest authentication of users in the proxy domain. */
export interface Authentication {
  readonly realm: string;
  /**
   * The user id that the request proves, in lower case; undefined when it was asked for a proof instead, which is an
   * answer already.
   * @throws SipError with 403 for a wrong password, or too many of them
   */
  userOf(transaction: ServerTransaction, role: DigestRole): Promise<string | undefined>;
}

const CREDENTIALS = { www: 'authorization', proxy: 'proxy-authorization' } as const;

export function createAuthentication(realm: string, needs: AuthenticationNeeds): Authentication {
  const authenticator: DigestAuthenticator = createDigestAuthenticator({
    realm,
    clock: needs.clock,
    algorithms: needs.algorithms,
    secretOf: (username) => needs.credentials.secretOf(username, realm),
    // COMPAT: sipp, and phones with an outbound proxy, sign the address that they send to instead of the Request-URI.
    acceptsUri(signed, request) {
      const asked = parseUri(request.uri);
      if (signed.kind !== 'sip' || asked.kind !== 'sip') return false;
      return signed.host === asked.host || needs.isOurs(signed);
    },
  });

  const challenge = (transaction: ServerTransaction, role: DigestRole, isStale: boolean): undefined => {
    transaction.replyStateless(role === 'www' ? 401 : 407, { headers: authenticator.challenge(role, isStale) });
    return undefined;
  };

  return {
    realm,
    async userOf(transaction, role) {
      const { request, flow } = transaction;
      const given = request.headers.list(CREDENTIALS[role]).find(({ params }) => params.get('realm') === realm);
      if (given === undefined) return challenge(transaction, role, false);
      const username = (given.params.get('username') ?? '').toLowerCase();
      const attempt = await needs.throttle.begin(username, flow.remote.address);
      if (attempt === undefined) throw refusal(403, 'Too Many Wrong Passwords', { 'Retry-After': '60' });
      let isWrong = false;
      try {
        const checked = await authenticator.check(request, role);
        if (checked.outcome === 'accepted') return checked.username.toLowerCase();
        if (checked.outcome === 'challenge') return challenge(transaction, role, checked.isStale);
        isWrong = true;
        throw refusal(403, 'Forbidden');
      } finally {
        if (isWrong) attempt.count();
        else attempt.forgive();
      }
    },
  };
}
