import type { SignInRefusal } from '../../../sign-in/sign-in.ts';
import type { ClientSession } from '../../login-datastore/login-datastore.ts';
import { type FaultName, PwsFault } from '../errors.ts';
import { PWS_SERVICE } from '../names.ts';
import type { ActionNeeds, Caller } from '../needs.ts';

export interface LogInRequest {
  readonly username: string;
  readonly proof:
    | { readonly kind: 'password'; readonly password: string }
    /** The session key of a signed-in application user. */
    | { readonly kind: 'application'; readonly key: string };
  readonly force: boolean;
}

export type LogInResult =
  | { readonly kind: 'session'; readonly key: string; readonly backupServer: string }
  | { readonly kind: 'redirect'; readonly primaryServer: string; readonly backupServer: string };

const FAULT_OF: Readonly<Record<SignInRefusal, readonly [FaultName, string?]>> = {
  'login-failed': ['loginFailed', 'the user name or the password is not valid'],
  'not-third-party': ['loginFailed', 'the application user is not in the group Admin-3rd Party API'],
  'bad-application-key': ['loginFailed', 'the key is not that of an application user'],
  'unknown-user': ['badUserName'],
  'too-many-attempts': ['loginFailed', 'too many wrong passwords, try again in a minute'],
  'not-enabled': ['loginFailed', 'the user is not enabled for IM and Presence'],
  'not-assigned': ['loginFailed', 'the user is not assigned to a node'],
  elsewhere: ['elsewhere'],
};

/**
 * Signs in an application user by password, or an end user by the key of one. A repeated log-in gets the same key.
 * @throws PwsFault 111, 113, 114, 160
 */
export async function logIn(needs: ActionNeeds, request: LogInRequest, caller: Caller): Promise<LogInResult> {
  const { username, proof, force } = request;
  if (username === '') throw new PwsFault('badUserName');
  if (proof.kind === 'password' && proof.password === '') throw new PwsFault('emptyPassword');
  const outcome = await needs.signIn(
    {
      username,
      proof,
      clientType: proof.kind === 'password' ? 'thirdpartyapp' : 'thirdclient',
      clientVersion: '',
      force,
      accepts: 'applicationuser',
      isExclusive: true,
    },
    caller.address,
  );
  switch (outcome.kind) {
    case 'session':
      return { kind: 'session', key: outcome.key, backupServer: outcome.backupServer };
    case 'redirect': {
      const { primaryServer, backupServer, isToPeer } = outcome;
      const redirects = isToPeer ? needs.counters.crossClusterRedirects : needs.counters.nodeRedirects;
      redirects.labels(PWS_SERVICE).inc();
      return { kind: 'redirect', primaryServer, backupServer };
    }
    case 'refused':
      needs.counters.loginFailures.labels(PWS_SERVICE).inc();
      throw new PwsFault(...FAULT_OF[outcome.refusal]);
  }
}

/** Ends the session, and waits until what hangs on it has ended by hearing of that. */
export async function logOut(needs: ActionNeeds, session: ClientSession): Promise<void> {
  await needs.loginDatastore.end(session);
  await needs.sessionEnds.settled();
}
