import { ImpError } from '../../../platform/errors.ts';
import type { ClientSession, UserKind } from '../../login-datastore/login-datastore.ts';
import type { RoutedUser } from '../../route-datastore/route-datastore.ts';
import { Refusal } from '../errors.ts';
import type { OperationNeeds } from '../operation.ts';
import { findApplicationUser } from './application-users.ts';
import { checkClientVersion } from './client-versions.ts';

export interface SignInRequest {
  readonly username: string;
  readonly proof:
    | { readonly kind: 'password'; readonly password: string }
    /** The session key of a signed-in application user. */
    | { readonly kind: 'application'; readonly key: string };
  readonly clientType: string;
  readonly clientVersion: string;
  readonly force: boolean;
}

export type SignInResult =
  | { readonly kind: 'session'; readonly key: string; readonly backupServer: string }
  | { readonly kind: 'redirect'; readonly primaryServer: string; readonly backupServer: string };

/** Client types that sign in application users; where a name is both, they decide which is meant. */
const APPLICATION_CLIENT = 'thirdpartyapp';
const CLIENT_OF_APPLICATION = 'thirdclient';

/**
 * Decides about a log-in. Wrong password and unknown user are refused in the same words, and the password is checked
 * before anything else is said about a user, so that names cannot be probed.
 * @throws Refusal; ImpError kind `unavailable` when a store or CUCM is away
 */
export async function signIn(needs: OperationNeeds, request: SignInRequest, address: string): Promise<SignInResult> {
  await checkClientVersion(needs, request.clientType, request.clientVersion);
  const userid = withoutDomain(request.username, needs.domain);
  return request.proof.kind === 'password'
    ? await byPassword(needs, request, userid, request.proof.password, address)
    : await byApplication(needs, request, userid, request.proof.key);
}

/** The part before the presence domain; any other name is taken whole. */
function withoutDomain(username: string, domain: string): string {
  const at = username.lastIndexOf('@');
  return at > 0 && username.slice(at + 1).toLowerCase() === domain.toLowerCase() ? username.slice(0, at) : username;
}

async function byPassword(
  needs: OperationNeeds,
  request: SignInRequest,
  userid: string,
  password: string,
  address: string,
): Promise<SignInResult> {
  const route = await needs.routeDatastore.routeOfUser(userid);
  const application = await findApplicationUser(needs.ids.read, userid);
  const isApplication =
    application !== undefined && (route.kind === 'unknown' || request.clientType.toLowerCase() === APPLICATION_CLIENT);
  // A peer cluster's user has a password only there: the client is sent on without one being checked.
  if (!isApplication && route.kind === 'peer-cluster' && route.user.isEnabled) return redirectToPeer(needs, route.node);

  const kind: UserKind = isApplication ? 'applicationuser' : 'enduser';
  const userPkid = isApplication ? application.pkid : route.kind === 'unknown' ? undefined : route.user.pkid;
  await checkPassword(needs, { kind, userid, userPkid, password, address });
  if (isApplication) {
    if (!application.isThirdParty) throw new Refusal('notThirdParty');
    const clientType = request.clientType === '' ? APPLICATION_CLIENT : request.clientType;
    const { clientVersion, force } = request;
    const { pkid, name } = application;
    const who = { kind, userPkid: pkid, userid: name, owner: null, homeNodeId: null, password };
    const { key } = await needs.loginDatastore.open({ ...who, clientType, clientVersion, force });
    return { kind: 'session', key, backupServer: '' };
  }
  return await openForEndUser(needs, request, userid, { owner: null, password });
}

async function byApplication(
  needs: OperationNeeds,
  request: SignInRequest,
  userid: string,
  applicationKey: string,
): Promise<SignInResult> {
  const owner = await needs.loginDatastore.find(applicationKey);
  if (owner?.kind !== 'applicationuser') throw new Refusal('badApplicationKey');
  const clientType = request.clientType === '' ? CLIENT_OF_APPLICATION : request.clientType;
  try {
    return await openForEndUser(needs, { ...request, clientType }, userid, { owner, password: null });
  } catch (error) {
    if (error instanceof ImpError && error.code === 'login-datastore.owner-ended') {
      throw new Refusal('badApplicationKey');
    }
    throw error;
  }
}

/** @throws Refusal `loginFailed`, `tooManyAttempts` */
async function checkPassword(
  needs: OperationNeeds,
  attempt: {
    readonly kind: UserKind;
    readonly userid: string;
    readonly userPkid: string | undefined;
    readonly password: string;
    readonly address: string;
  },
): Promise<void> {
  const throttled = await needs.throttle.begin(attempt.userid, attempt.address);
  if (!throttled) throw new Refusal('tooManyAttempts');
  let answer: Awaited<ReturnType<typeof needs.credentials.check>>;
  try {
    // Asked for unknown users as well: the answer takes as long.
    answer = await needs.credentials.check(attempt.kind, attempt.userid, attempt.password);
  } catch (error) {
    throttled.forgive();
    throw error;
  }
  if (answer === 'match' && attempt.userPkid !== undefined) {
    throttled.forgive();
    return;
  }
  if (answer === 'unavailable') {
    throttled.forgive();
    throw new ImpError('unavailable', 'cpa.credentials-away', 'passwords cannot be checked now');
  }
  throttled.count();
  if (attempt.userPkid !== undefined) {
    const ended = await needs.loginDatastore.passwordRefused(attempt.kind, attempt.userPkid, attempt.password);
    if (ended > 0) needs.log.info({ ended }, 'sessions ended: the password has been changed');
  }
  throw new Refusal('loginFailed');
}

async function openForEndUser(
  needs: OperationNeeds,
  request: SignInRequest,
  userid: string,
  by: { readonly owner: ClientSession | null; readonly password: string | null },
): Promise<SignInResult> {
  // Asked anew: the user may have been moved while the password was being checked.
  const route = await needs.routeDatastore.routeOfUser(userid);
  if (route.kind === 'unknown') throw new Refusal('loginFailed');
  const user: RoutedUser = route.user;
  if (!user.isEnabled) throw new Refusal('notEnabled');
  if (route.kind === 'peer-cluster') return redirectToPeer(needs, route.node);
  if (route.kind === 'unassigned') throw new Refusal('notAssigned');
  const backupServer = route.backup?.address ?? '';
  if (route.kind === 'other-node') {
    needs.counters.nodeRedirects.labels('client-profile-agent').inc();
    return { kind: 'redirect', primaryServer: route.node.address, backupServer };
  }
  const { clientType, clientVersion, force } = request;
  const { key } = await needs.loginDatastore.open({
    kind: 'enduser',
    userPkid: user.pkid,
    userid: user.userid,
    clientType,
    clientVersion,
    force,
    homeNodeId: user.nodeId,
    ...by,
  });
  return { kind: 'session', key, backupServer };
}

function redirectToPeer(needs: OperationNeeds, node: string): SignInResult {
  // A peer's user whose node has not been synced yet is as good as not assigned.
  if (node === '') throw new Refusal('notAssigned');
  needs.counters.crossClusterRedirects.labels('client-profile-agent').inc();
  return { kind: 'redirect', primaryServer: node, backupServer: '' };
}
