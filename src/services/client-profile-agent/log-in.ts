import type { SignInOutcome, SignInRefusal, SignInRequest } from '../../sign-in/sign-in.ts';
import type { ClientSession } from '../login-datastore/login-datastore.ts';
import { checkClientVersion } from './client-versions.ts';
import { Refusal, type RefusalName } from './errors.ts';
import type { Caller, OperationNeeds } from './operation.ts';
import { CPA_SERVICE } from './parameters.ts';

export type LogInRequest = Omit<SignInRequest, 'accepts' | 'isExclusive'>;
export type LogInResult = Exclude<SignInOutcome<ClientSession>, { readonly kind: 'refused' }>;

const REFUSAL_OF: Readonly<Record<SignInRefusal, RefusalName>> = {
  'login-failed': 'loginFailed',
  'not-third-party': 'notThirdParty',
  'bad-application-key': 'badApplicationKey',
  // Nor does an application learn here which names there are.
  'unknown-user': 'loginFailed',
  'too-many-attempts': 'tooManyAttempts',
  'not-enabled': 'notEnabled',
  'not-assigned': 'notAssigned',
  // Never said: a log-in here leaves the sessions of others alone.
  elsewhere: 'loginFailed',
};

/**
 * Signs anybody in, with the minimal version of the client and the counters that belong to this face.
 * @throws Refusal; ImpError kind `unavailable` when a store or CUCM is away
 */
export async function logIn(needs: OperationNeeds, request: LogInRequest, caller: Caller): Promise<LogInResult> {
  try {
    await checkClientVersion(needs, request.clientType, request.clientVersion);
    const wanted = { ...request, accepts: 'anybody', isExclusive: false } as const;
    const outcome = await needs.signIn(wanted, caller.socket.remoteAddress ?? '');
    if (outcome.kind === 'refused') throw new Refusal(REFUSAL_OF[outcome.refusal]);
    if (outcome.kind === 'redirect') {
      const { crossClusterRedirects, nodeRedirects } = needs.counters;
      (outcome.isToPeer ? crossClusterRedirects : nodeRedirects).labels(CPA_SERVICE).inc();
    }
    return outcome;
  } catch (error) {
    if (error instanceof Refusal) needs.counters.loginFailures.labels(CPA_SERVICE).inc();
    throw error;
  }
}
