import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import {
  type Credentials,
  checkPassword,
  type PasswordCheckNeeds,
  withoutDomain,
} from '../../sign-in/check-password.ts';
import {
  addressOfJid,
  createSaslServer,
  type Jid,
  jidOfAddress,
  SaslError,
  type SaslServer,
  type ServerStream,
  unescapeLocal,
} from '../../xmpp/xmpp.ts';
import type { LoginDatastore } from '../login-datastore/login-datastore.ts';
import type { RouteDatastore, UserRoute } from '../route-datastore/route-datastore.ts';
import { createAuthenticationCounters } from './counters.ts';

const optionsSchema = z.strictObject({
  offersPassword: z.boolean().default(true).describe('Offers PLAIN; without it only one-time passwords sign in.'),
  administrators: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe('User id, which CUCM does not know.'),
        password: z.string().optional().describe('Its password; better in passwordFile.'),
        passwordFile: z.string().optional().describe('A file that holds nothing but the password.'),
      }),
    )
    .default([])
    .describe('XMPP administrators that CUCM does not know; services.xcp-router.administrators names them too.'),
});

export type XcpAuthenticationServiceOptions = z.infer<typeof optionsSchema>;

export const xcpAuthenticationServiceDescriptor: ServiceDescriptor<XcpAuthenticationServiceOptions> = {
  name: 'xcp-authentication-service',
  title: 'Cisco XCP Authentication Service',
  purpose: 'Handles the sign-in of XMPP clients that connect to this node.',
  kind: 'feature',
  isXcp: true,
  dependsOn: ['xcp-router', 'login-datastore', 'route-datastore'],
  waitsForDataMonitor: true,
  conformance: [{ spec: 'RFC 4616', status: 'complete' }],
  options: optionsSchema,
};

/** Who may sign in over XMPP. */
export interface XcpAuthenticationService {
  /**
   * What a connection is offered. While the service is stopped it is nothing.
   * @param address where the client connects from
   */
  saslFor(stream: ServerStream, address: string): SaslServer;
}

export interface XcpAuthenticationServiceNeeds extends Omit<PasswordCheckNeeds, 'loginDatastore'> {
  readonly loginDatastore: LoginDatastore;
  readonly routeDatastore: Pick<RouteDatastore, 'routeOfUser' | 'userByAddress'>;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The presence domain of the system. */
  readonly domain: string;
  /** Home and backup node, which Cisco's browser library reads beside the mechanisms. */
  readonly hostNames: readonly string[];
}

/** Checks passwords and one-time passwords; a user without the licence for IM is refused, and counted as such. */
export function createXcpAuthenticationService(
  needs: XcpAuthenticationServiceNeeds,
  options: XcpAuthenticationServiceOptions,
): Service & XcpAuthenticationService {
  const { routeDatastore, loginDatastore } = needs;
  const log = needs.log.child({ subsystem: 'xcp-authentication-service' });
  const counters = createAuthenticationCounters(needs.metrics);
  let isRunning = false;
  let signedIn = 0;
  /** Passwords of administrators by their user id in lower case. */
  let administrators = new Map<string, string>();

  /** @throws SaslError when the user may not use the service at all */
  const requireLicence = (route: Exclude<UserRoute, { kind: 'unknown' }>): void => {
    if (!route.user.isEnabled) {
      counters.failedLicense.inc();
      throw new SaslError('account-disabled', 'the user is not enabled for IM and Presence');
    }
    if (route.kind === 'unassigned') {
      counters.failedLicense.inc();
      throw new SaslError('account-disabled', 'the user is assigned to no node');
    }
  };

  const byPassword = async (username: string, password: string, address: string): Promise<Jid | undefined> => {
    const userid = withoutDomain(unescapeLocal(username), needs.domain);
    const route = await routeDatastore.routeOfUser(userid);
    const own = route.kind === 'unknown' ? administrators.get(userid.toLowerCase()) : undefined;
    if (own !== undefined) return await asAdministrator(userid.toLowerCase(), own, password, address);
    // A peer cluster's user has a password only there.
    const userPkid = route.kind === 'unknown' || route.kind === 'peer-cluster' ? undefined : route.user.pkid;
    const judged = await checkPassword({ ...needs, log }, { kind: 'enduser', userid, userPkid, password, address });
    if (judged === 'too-many-attempts') throw new SaslError('temporary-auth-failure', 'too many wrong passwords');
    if (judged === 'login-failed' || route.kind === 'unknown') return undefined;
    requireLicence(route);
    return jidOfAddress(route.user.imaddress);
  };

  const asAdministrator = async (
    userid: string,
    own: string,
    password: string,
    address: string,
  ): Promise<Jid | undefined> => {
    const credentials: Credentials = {
      check: async () => (timingSafeEqual(digest(own), digest(password)) ? 'match' : 'mismatch'),
    };
    const attempt = {
      kind: 'applicationuser',
      userid,
      userPkid: `xmpp-administrator:${userid}`,
      password,
      address,
    } as const;
    const judged = await checkPassword({ ...needs, credentials, log }, attempt);
    if (judged === 'too-many-attempts') throw new SaslError('temporary-auth-failure', 'too many wrong passwords');
    return judged === 'right' ? jidOfAddress(`${userid}@${needs.domain}`) : undefined;
  };

  const plain = async (username: string, password: string, address: string): Promise<Jid | undefined> => {
    try {
      const user = await byPassword(username, password, address);
      if (user === undefined) counters.failedCredentials.inc();
      counters[user === undefined ? 'plainFailed' : 'plainSuccess'].inc();
      if (user !== undefined) signedIn += 1;
      return user;
    } catch (error) {
      counters.plainFailed.inc();
      throw error;
    }
  };

  const byToken = async (user: Jid, token: string): Promise<boolean> => {
    const found = await routeDatastore.userByAddress(addressOfJid(user));
    if (found === undefined) return false;
    const session = await loginDatastore.redeemToken(token, found.userid);
    if (session === undefined) return false;
    const route = await routeDatastore.routeOfUser(found.userid);
    if (route.kind === 'unknown') return false;
    requireLicence(route);
    return true;
  };

  const redeemToken = async (user: Jid, token: string): Promise<boolean> => {
    try {
      const isGood = await byToken(user, token);
      if (!isGood) counters.failedToken.inc();
      counters[isGood ? 'tokenSuccess' : 'tokenFailed'].inc();
      if (isGood) signedIn += 1;
      return isGood;
    } catch (error) {
      counters.tokenFailed.inc();
      throw error;
    }
  };

  return {
    saslFor(stream, address) {
      if (!isRunning) return createSaslServer({});
      const checks = options.offersPassword
        ? { checkPassword: (username: string, password: string) => plain(username, password, address) }
        : {};
      return createSaslServer({ ...checks, redeemToken }, stream.transport.bindings, needs.hostNames);
    },
    async start(scope) {
      administrators = await readAdministrators(options.administrators);
      isRunning = true;
      scope.defer(() => {
        isRunning = false;
      });
    },
    detail: () => (isRunning ? `has signed in ${signedIn} ${signedIn === 1 ? 'client' : 'clients'}` : 'closed'),
  };
}

/** @throws ImpError `xcp-authentication-service.password` */
async function readAdministrators(
  named: XcpAuthenticationServiceOptions['administrators'],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { name, password, passwordFile } of named) {
    const own = password ?? (passwordFile === undefined ? '' : (await readFile(passwordFile, 'utf8')).trimEnd());
    if (own === '') {
      throw new ImpError('invalid', 'xcp-authentication-service.password', `administrator ${name} has no password`);
    }
    found.set(name.toLowerCase(), own);
  }
  return found;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
