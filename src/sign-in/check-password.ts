import { ImpError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { LoginThrottle } from './login-throttle.ts';

export type UserKind = 'enduser' | 'applicationuser';

/** CUCM's judgement of a name and a password. */
export interface Credentials {
  check(kind: UserKind, userid: string, password: string): Promise<'match' | 'mismatch' | 'unavailable'>;
}

export interface PasswordCheckNeeds {
  readonly credentials: Credentials;
  readonly throttle: LoginThrottle;
  /** Sessions that were opened with a password end when it turns out to be wrong; the Login Datastore has them. */
  readonly loginDatastore: { passwordRefused(kind: UserKind, userPkid: string, password: string): Promise<number> };
  readonly log: Log;
}

export interface PasswordAttempt {
  readonly kind: UserKind;
  readonly userid: string;
  /** Undefined for a name that nobody has: it is checked all the same, so that the answer takes as long. */
  readonly userPkid: string | undefined;
  readonly password: string;
  /** Where the attempt comes from. */
  readonly address: string;
}

/** The part before the presence domain; any other name is taken whole. */
export function withoutDomain(username: string, domain: string): string {
  const at = username.lastIndexOf('@');
  return at > 0 && username.slice(at + 1).toLowerCase() === domain.toLowerCase() ? username.slice(0, at) : username;
}

/**
 * Checks a password for any face of the node, within the one set of attempts that all share.
 * @throws ImpError `sign-in.credentials-away` when it cannot be checked now
 */
export async function checkPassword(
  needs: PasswordCheckNeeds,
  attempt: PasswordAttempt,
): Promise<'right' | 'login-failed' | 'too-many-attempts'> {
  const throttled = await needs.throttle.begin(attempt.userid, attempt.address);
  if (!throttled) return 'too-many-attempts';
  let answer: 'match' | 'mismatch' | 'unavailable';
  try {
    answer = await needs.credentials.check(attempt.kind, attempt.userid, attempt.password);
  } catch (error) {
    throttled.forgive();
    throw error;
  }
  if (answer === 'match' && attempt.userPkid !== undefined) {
    throttled.forgive();
    return 'right';
  }
  if (answer === 'unavailable') {
    throttled.forgive();
    throw new ImpError('unavailable', 'sign-in.credentials-away', 'passwords cannot be checked now');
  }
  throttled.count();
  if (attempt.userPkid !== undefined) {
    const ended = await needs.loginDatastore.passwordRefused(attempt.kind, attempt.userPkid, attempt.password);
    if (ended > 0) needs.log.info({ ended }, 'sessions ended: the password has been changed');
  }
  return 'login-failed';
}
