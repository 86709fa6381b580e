import type { Ids } from '../ids/ids.ts';
import { ImpError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { findApplicationUser } from './application-users.ts';
import { type Credentials, checkPassword, type UserKind, withoutDomain } from './check-password.ts';
import type { LoginThrottle } from './login-throttle.ts';

/** Client types that sign in application users, and end users through one; their keys are good at both SOAP faces. */
export const APPLICATION_CLIENT = 'thirdpartyapp';
export const CLIENT_OF_APPLICATION = 'thirdclient';

export interface SignInRequest {
  readonly username: string;
  readonly proof:
    | { readonly kind: 'password'; readonly password: string }
    /** The session key of a signed-in application user. */
    | { readonly kind: 'application'; readonly key: string };
  readonly clientType: string;
  readonly clientVersion: string;
  /** A new key even when the user is signed in already; the old one stops. */
  readonly force: boolean;
  /** Whom a password may sign in: where a name is both, an application user is meant when only those may. */
  readonly accepts: 'anybody' | 'applicationuser';
  /** One application at a time: refused as `elsewhere` while another one has signed the user in, unless forced. */
  readonly isExclusive: boolean;
}

export type SignInRefusal =
  | 'login-failed' // wrong password or unknown user: never told apart
  | 'not-third-party' // the application user is not in the group
  | 'bad-application-key'
  | 'unknown-user' // only said to an application
  | 'too-many-attempts'
  | 'not-enabled'
  | 'not-assigned'
  | 'elsewhere';

export type SignInOutcome<Session> =
  | { readonly kind: 'session'; readonly key: string; readonly session: Session; readonly backupServer: string }
  | {
      readonly kind: 'redirect';
      readonly primaryServer: string;
      readonly backupServer: string;
      /** To a node of a peer cluster. */
      readonly isToPeer: boolean;
    }
  | { readonly kind: 'refused'; readonly refusal: SignInRefusal };

/** Decides about a log-in. @throws ImpError kind `unavailable` when a store or CUCM is away */
export type SignIn<Session> = (request: SignInRequest, address: string) => Promise<SignInOutcome<Session>>;

/** What is asked of sessions; the Login Datastore has it. */
export interface SignInSessions<Session> {
  find(key: string): Promise<Session | undefined>;
  /** @throws ImpError `login-datastore.owner-ended` when the owner has ended meanwhile */
  open(request: {
    readonly kind: UserKind;
    readonly userPkid: string;
    readonly userid: string;
    readonly clientType: string;
    readonly clientVersion: string;
    readonly owner: Session | null;
    readonly homeNodeId: number | null;
    readonly password: string | null;
    readonly force: boolean;
  }): Promise<{ readonly key: string; readonly session: Session }>;
  end(session: Session): Promise<boolean>;
  sessionsOfUser(kind: UserKind, userPkid: string): Promise<readonly Session[]>;
  passwordRefused(kind: UserKind, userPkid: string, password: string): Promise<number>;
}

interface SessionFacts {
  readonly kind: UserKind;
  readonly userPkid: string;
  readonly clientType: string;
  readonly owner: { readonly userPkid: string } | null;
}

interface UserFacts {
  readonly pkid: string;
  readonly userid: string;
  readonly isEnabled: boolean;
  readonly nodeId: number | null;
}

/** What is asked of routes; the Route Datastore has it. */
export interface SignInRoutes {
  routeOfUser(userid: string): Promise<
    | { readonly kind: 'here'; readonly user: UserFacts; readonly backup: { readonly address: string } | null }
    | {
        readonly kind: 'other-node';
        readonly user: UserFacts;
        readonly node: { readonly address: string };
        readonly backup: { readonly address: string } | null;
      }
    | {
        readonly kind: 'peer-cluster';
        readonly user: UserFacts;
        readonly node: string;
        readonly backup: { readonly address: string } | null;
      }
    | { readonly kind: 'unassigned'; readonly user: UserFacts }
    | { readonly kind: 'unknown' }
  >;
}

export interface SignInNeeds<Session> {
  readonly ids: Ids;
  readonly loginDatastore: SignInSessions<Session>;
  readonly routeDatastore: SignInRoutes;
  readonly credentials: Credentials;
  readonly throttle: LoginThrottle;
  readonly log: Log;
  /** The presence domain of the system. */
  readonly domain: string;
}

/** Leaves `signIn` with an outcome that is no session. */
class Refused extends ImpError {
  readonly refusal: SignInRefusal;
  constructor(refusal: SignInRefusal) {
    super('denied', `sign-in.${refusal}`, 'the log-in is refused');
    this.refusal = refusal;
  }
}

/**
 * The log-in of both SOAP faces. Wrong password and unknown user are refused in the same words, and the password is
 * checked before anything else is said about a user, so that names cannot be probed.
 */
export function createSignIn<Session extends SessionFacts>(needs: SignInNeeds<Session>): SignIn<Session> {
  const inner = { ...needs, log: needs.log.child({ subsystem: 'sign-in' }) };
  return async (request, address) => {
    const userid = withoutDomain(request.username, needs.domain);
    try {
      return request.proof.kind === 'password'
        ? await byPassword(inner, request, userid, request.proof.password, address)
        : await byApplication(inner, request, userid, request.proof.key);
    } catch (error) {
      if (error instanceof Refused) return { kind: 'refused', refusal: error.refusal };
      throw error;
    }
  };
}

async function byPassword<Session extends SessionFacts>(
  needs: SignInNeeds<Session>,
  request: SignInRequest,
  userid: string,
  password: string,
  address: string,
): Promise<SignInOutcome<Session>> {
  const route = await needs.routeDatastore.routeOfUser(userid);
  const application = await findApplicationUser(needs.ids.read, userid);
  const isOnlyApplication = request.accepts === 'applicationuser';
  const isApplication =
    isOnlyApplication ||
    (application !== undefined &&
      (route.kind === 'unknown' || request.clientType.toLowerCase() === APPLICATION_CLIENT));
  // A peer cluster's user has a password only there: the client is sent on without one being checked.
  if (!isApplication && route.kind === 'peer-cluster' && route.user.isEnabled) return redirectToPeer(route);

  const kind: UserKind = isApplication ? 'applicationuser' : 'enduser';
  const userPkid = isApplication ? application?.pkid : route.kind === 'unknown' ? undefined : route.user.pkid;
  const judged = await checkPassword(needs, { kind, userid, userPkid, password, address });
  if (judged !== 'right') throw new Refused(judged);
  if (!isApplication) return await openForEndUser(needs, request, userid, { owner: null, password });

  if (!application?.isThirdParty) throw new Refused('not-third-party');
  const { key, session } = await needs.loginDatastore.open({
    kind,
    userPkid: application.pkid,
    userid: application.name,
    clientType: request.clientType === '' ? APPLICATION_CLIENT : request.clientType,
    clientVersion: request.clientVersion,
    owner: null,
    homeNodeId: null,
    password,
    force: request.force,
  });
  return { kind: 'session', key, session, backupServer: '' };
}

async function byApplication<Session extends SessionFacts>(
  needs: SignInNeeds<Session>,
  request: SignInRequest,
  userid: string,
  applicationKey: string,
): Promise<SignInOutcome<Session>> {
  const owner = await needs.loginDatastore.find(applicationKey);
  if (owner?.kind !== 'applicationuser') throw new Refused('bad-application-key');
  const clientType = request.clientType === '' ? CLIENT_OF_APPLICATION : request.clientType;
  try {
    return await openForEndUser(needs, { ...request, clientType }, userid, { owner, password: null });
  } catch (error) {
    if (error instanceof ImpError && error.code === 'login-datastore.owner-ended') {
      throw new Refused('bad-application-key');
    }
    throw error;
  }
}

async function openForEndUser<Session extends SessionFacts>(
  needs: SignInNeeds<Session>,
  request: SignInRequest,
  userid: string,
  by: { readonly owner: Session | null; readonly password: string | null },
): Promise<SignInOutcome<Session>> {
  // Asked anew: the user may have been moved while the password was being checked.
  const route = await needs.routeDatastore.routeOfUser(userid);
  if (route.kind === 'unknown') throw new Refused(by.owner ? 'unknown-user' : 'login-failed');
  const { user } = route;
  if (!user.isEnabled) throw new Refused('not-enabled');
  if (route.kind === 'peer-cluster') return redirectToPeer(route);
  if (route.kind === 'unassigned') throw new Refused('not-assigned');
  const backupServer = route.backup?.address ?? '';
  if (route.kind === 'other-node') {
    return { kind: 'redirect', primaryServer: route.node.address, backupServer, isToPeer: false };
  }
  if (request.isExclusive) await leaveOthers(needs, user.pkid, by.owner, request.force);
  const { clientType, clientVersion, force } = request;
  const { key, session } = await needs.loginDatastore.open({
    kind: 'enduser',
    userPkid: user.pkid,
    userid: user.userid,
    clientType,
    clientVersion,
    force,
    homeNodeId: user.nodeId,
    ...by,
  });
  return { kind: 'session', key, session, backupServer };
}

/** Sessions of the user that another application user opened: ended when forced. @throws Refused `elsewhere` */
async function leaveOthers<Session extends SessionFacts>(
  needs: SignInNeeds<Session>,
  userPkid: string,
  owner: Session | null,
  force: boolean,
): Promise<void> {
  const sessions = await needs.loginDatastore.sessionsOfUser('enduser', userPkid);
  const others = sessions.filter((each) => each.owner !== null && each.owner.userPkid !== owner?.userPkid);
  if (others.length === 0) return;
  if (!force) throw new Refused('elsewhere');
  for (const each of others) await needs.loginDatastore.end(each);
}

function redirectToPeer<Session>({
  node,
  backup,
}: {
  readonly node: string;
  readonly backup: { readonly address: string } | null;
}): SignInOutcome<Session> {
  // A peer's user whose node has not been synced yet is as good as not assigned.
  if (node === '') throw new Refused('not-assigned');
  return { kind: 'redirect', primaryServer: node, backupServer: backup?.address ?? '', isToPeer: true };
}
