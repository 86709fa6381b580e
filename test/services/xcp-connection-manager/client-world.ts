import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import type { Database } from '../../../src/ids/database.ts';
import { createLog } from '../../../src/platform/log.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import type { Service } from '../../../src/platform/service.ts';
import {
  createLoginDatastore,
  type LoginDatastore,
  loginDatastoreDescriptor,
} from '../../../src/services/login-datastore/login-datastore.ts';
import {
  createXcpAuthenticationService,
  type XcpAuthenticationServiceOptions,
  xcpAuthenticationServiceDescriptor,
} from '../../../src/services/xcp-authentication-service/xcp-authentication-service.ts';
import {
  createXcpConnectionManager,
  type XcpConnectionManager,
  type XcpConnectionManagerOptions,
  xcpConnectionManagerDescriptor,
} from '../../../src/services/xcp-connection-manager/xcp-connection-manager.ts';
import type { XcpRouterOptions } from '../../../src/services/xcp-router/xcp-router.ts';
import { createLoginThrottle, loginThrottleOptions } from '../../../src/sign-in/login-throttle.ts';
import type { SaslCredentials } from '../../../src/xmpp/xmpp.ts';
import { type LiveClient, openLiveClient } from '../../support/xmpp-live-client.ts';
import { type TestCertificates, testCertificates } from '../../xmpp/live-server.ts';
import { userRow } from '../client-profile-agent/cpa-parts.ts';
import { DOMAIN, openRouterWorld, type RouterWorld } from '../xcp-router/router-world.ts';

export const PASSWORD = 'secret';
let certificatesOnce: Promise<TestCertificates> | undefined;

/** Clients over real sockets: router, Authentication Service and Connection Manager; time alone stands still. */
export interface ClientWorld extends AsyncDisposable {
  readonly router: RouterWorld;
  readonly manager: XcpConnectionManager & Service;
  readonly loginDatastore: LoginDatastore & Service;
  readonly password: { now: string; isAway: boolean };
  connect(
    credentials: SaslCredentials,
    options?: { readonly resource?: string; readonly tls?: 'starttls' | 'direct' },
  ): Promise<LiveClient>;
  stopManager(): Promise<void>;
  startManager(): Promise<void>;
}

export interface ClientWorldOptions {
  readonly router?: Partial<XcpRouterOptions>;
  readonly manager?: Partial<XcpConnectionManagerOptions>;
  readonly authentication?: Partial<XcpAuthenticationServiceOptions>;
  readonly isExempt?: boolean;
}

export async function openClientWorld(options: ClientWorldOptions = {}): Promise<ClientWorld> {
  certificatesOnce ??= testCertificates();
  const certificates = await certificatesOnce;
  const router = await openRouterWorld(options.router);
  const { clock, test, routeDatastore } = router;
  const { ids, metrics, alarms } = test;
  const log = createLog({ level: 'silent' });
  const more: Database['enduser'][] = [
    userRow({ userid: 'mallory', primarynodeid: 1, enablecups: 0 }),
    userRow({ userid: 'olga', primarynodeid: 2 }),
    userRow({ userid: 'walter', primarynodeid: null }),
  ];
  await ids.transaction('cucm', async (trx) => void (await trx.insertInto('enduser').values(more).execute()));
  await router.settle();
  const engine = createMemoryEngine({ clock, log, metrics });
  const loginDatastore = createLoginDatastore(
    { engine, clock, log, metrics, servedBy: () => ({ node: 'imp1', epoch: 0 }) },
    loginDatastoreDescriptor.options.parse({}),
  );
  const password = { now: PASSWORD, isAway: false };
  const authentication = createXcpAuthenticationService(
    {
      credentials: {
        async check(_kind, _userid, given) {
          if (password.isAway) return 'unavailable';
          return given === password.now ? 'match' : 'mismatch';
        },
      },
      throttle: createLoginThrottle(clock, loginThrottleOptions.parse({ wrongPasswordsPerUser: 3 })),
      ...{ loginDatastore, routeDatastore, log, metrics },
      domain: DOMAIN,
      hostNames: [],
    },
    xcpAuthenticationServiceDescriptor.options.parse(options.authentication ?? {}),
  );
  const manager = createXcpConnectionManager(
    {
      ...{ authentication, clock, log, metrics, alarms },
      router: router.router,
      tls: { node: certificates.server },
      listeners: { host: '127.0.0.1', port: 0, tlsPort: 0 },
      isExempt: () => options.isExempt === true,
    },
    xcpConnectionManagerDescriptor.options.parse(options.manager ?? {}),
  );
  const startOne = async (service: Service): Promise<OwnedScope> => {
    const scope = createScope(clock, (error) => router.failures.push(error));
    await service.start(scope);
    return scope;
  };
  const scopes = [await startOne(loginDatastore), await startOne(authentication)];
  let own: OwnedScope | undefined = await startOne(manager);

  const world: ClientWorld = {
    ...{ router, manager, loginDatastore, password },
    async connect(credentials, { resource, tls = 'starttls' } = {}) {
      const ports = manager.ports();
      const port = tls === 'direct' ? ports.tls : ports.startTls;
      if (port === undefined) throw new Error('nothing is listened for');
      return await openLiveClient({
        ...{ host: '127.0.0.1', port, domain: DOMAIN, ca: certificates.ca, credentials, tls, clock },
        ...(resource !== undefined && { resource }),
      });
    },
    async stopManager() {
      await own?.close();
      own = undefined;
    },
    async startManager() {
      own = await startOne(manager);
    },
    async [Symbol.asyncDispose]() {
      await own?.close();
      for (const scope of scopes.reverse()) await scope.close();
      await router[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
  return world;
}
