import assert from 'node:assert/strict';
import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import type { Database } from '../../../src/ids/database.ts';
import { createLog } from '../../../src/platform/log.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import type { Service } from '../../../src/platform/service.ts';
import { createFileStore } from '../../../src/rpc/handover/file-store.ts';
import { createConfigurationWriter } from '../../../src/rpc/handover/writer.ts';
import type { SipProxyConfiguration, SipProxyDynamic } from '../../../src/rpc/sip-proxy/configuration.ts';
import { sipProxyFormat } from '../../../src/rpc/sip-proxy/format.ts';
import {
  createRouteDatastore,
  routeDatastoreDescriptor,
} from '../../../src/services/route-datastore/route-datastore.ts';
import {
  createSipProxy,
  type SipProxy,
  type SipProxyNeeds,
  sipProxyDescriptor,
} from '../../../src/services/sip-proxy/sip-proxy.ts';
import {
  createSipRegistrationDatastore,
  type SipRegistrationDatastore,
  sipRegistrationDatastoreDescriptor,
} from '../../../src/services/sip-registration-datastore/sip-registration-datastore.ts';
import { createLoginThrottle, loginThrottleOptions } from '../../../src/sign-in/login-throttle.ts';
import { setSipCredentials } from '../../../src/sign-in/sip-credentials.ts';
import type { Hop, SipTransport } from '../../../src/sip/transport/flow.ts';
import { proxyConfiguration } from '../../rpc/support/proxy-configuration.ts';
import { makeTestTls, type TestTls } from '../../rpc/support/test-tls.ts';
import { until } from '../../rpc/support/until.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/imp-process.ts';
import { openTestIds, type TestIds } from '../../support/test-ids.ts';
import { userRow } from '../client-profile-agent/cpa-parts.ts';

const log = createLog({ level: 'silent' });
export const PASSWORD = 'Imp-demo-1';

type Options = Parameters<typeof sipProxyDescriptor.options.parse>[0];

/** A SIP Proxy with its stores on free loopback ports, over real sockets; time stands still. */
export interface ProxyWorld extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly test: TestIds;
  readonly tls: TestTls;
  readonly proxy: Service & SipProxy;
  readonly registrations: SipRegistrationDatastore & Service;
  readonly failures: unknown[];
  hop(transport?: SipTransport): Hop;
  /** Puts a configuration into force that differs from the first one in this. */
  configure(dynamic: Partial<SipProxyDynamic>, base?: Partial<SipProxyConfiguration['base']>): Promise<void>;
  /** Stops and starts one of the stores. */
  stop(store: 'registrations' | 'routes'): Promise<void>;
  start(store: 'registrations' | 'routes'): Promise<void>;
  alarms(): string[];
  /** The value of a counter. */
  counter(name: string): Promise<number>;
}

export interface ProxyWorldOptions {
  readonly options?: object;
  readonly needs?: Partial<SipProxyNeeds>;
  readonly dynamic?: Partial<SipProxyDynamic>;
  readonly base?: Partial<SipProxyConfiguration['base']>;
  readonly users?: readonly (Partial<Database['enduser']> & { readonly userid: string })[];
}

export async function openProxyWorld(given: ProxyWorldOptions = {}): Promise<ProxyWorld> {
  const clock = new FakeClock();
  const folder = await temporaryFolder();
  const test = await openTestIds({ clock });
  const tls = await makeTestTls();
  const { ids, changeFeed, metrics, alarms, notifications } = test;
  const failures: unknown[] = [];
  const users = given.users ?? ['alice', 'bob', 'carol'].map((userid) => ({ userid }));
  await ids.transaction('node', async (trx) => {
    await trx
      .insertInto('enterprisenode')
      .values(
        ['imp1', 'imp2', 'imp3'].map((name, place) => ({
          ...{ id: place + 1, name, address: `127.0.0.${place + 1}`, subclusterid: place + 1, isprimary: 0 },
          ...{ tkhaserverstate: 0, hareason: '', version: '1' },
        })),
      )
      .execute();
    await trx.insertInto('imdomain').values({ domain: 'acme.example', isdefault: 1, isadminmanaged: 1 }).execute();
    await trx
      .insertInto('enduser')
      .values(users.map((user) => userRow(user)))
      .execute();
  });
  await setSipCredentials(
    ids,
    'node',
    users.map(({ userid }) => ({ userid, password: PASSWORD })),
  );
  const engine = createMemoryEngine({ clock, log, metrics });
  const registrations = createSipRegistrationDatastore(
    { engine, clock, log },
    sipRegistrationDatastoreDescriptor.options.parse({}),
  );
  const routeDatastore = createRouteDatastore(
    { engine, ids, changeFeed, log, nodeName: 'imp1' },
    routeDatastoreDescriptor.options.parse({}),
  );
  const writer = createConfigurationWriter(sipProxyFormat, createFileStore(folder.path), log);
  const first = proxyConfiguration('second');
  let version = 0;
  const write = async (dynamic: Partial<SipProxyDynamic>, base: Partial<SipProxyConfiguration['base']>) => {
    const quiet = { incomingAcl: [], staticRoutes: [], methodEventRoutes: [], federatedDomains: [] };
    const nodes = [{ id: 1, name: 'imp1', address: '127.0.0.1', group: 1 }];
    await writer.write(
      { base: { ...first.base, ...base }, dynamic: { ...first.dynamic, ...quiet, nodes, ...dynamic } },
      version,
    );
    version += 1;
  };
  await write(given.dynamic ?? {}, given.base ?? {});
  const proxy = createSipProxy(
    {
      ...{ folder: folder.path, clock, log, metrics, alarms, notifications, tls, host: '127.0.0.1' },
      ...{ controlPort: 0, ids, changeFeed },
      ...{ registrations, routeDatastore, nodeName: 'imp1', presenceEngine: () => undefined },
      throttle: createLoginThrottle(clock, loginThrottleOptions.parse({})),
      listeners: { host: '127.0.0.1', port: 0, tlsPort: 0 },
      ...given.needs,
    },
    sipProxyDescriptor.options.parse((given.options ?? {}) as Options),
  );
  const services = { routes: routeDatastore, registrations, proxy } as const;
  const scopes = new Map<string, OwnedScope>();
  const start = async (name: keyof typeof services): Promise<void> => {
    const scope = createScope(clock, (error) => failures.push(error));
    scopes.set(name, scope);
    await services[name].start(scope);
  };
  for (const name of ['routes', 'registrations', 'proxy'] as const) await start(name);
  return {
    ...{ clock, test, tls, proxy, registrations, failures },
    hop(transport = 'UDP') {
      const addresses = proxy.sipAddresses();
      const port = addresses?.[transport.toLowerCase() as 'udp' | 'tcp' | 'tls'];
      assert.ok(port !== undefined, `${transport} is open`);
      const hop = { transport, address: '127.0.0.1', port };
      return transport === 'TLS' ? { ...hop, serverName: 'localhost' } : hop;
    },
    async configure(dynamic, base = {}) {
      let isInForce = false;
      using _watch = proxy.onConfiguration(() => {
        isInForce = true;
      });
      await write(dynamic, base);
      // The next look finds it.
      await clock.advance(30_000);
      await until(() => isInForce);
    },
    start,
    stop: async (name) => await scopes.get(name)?.close(),
    alarms: () => alarms.active().map(({ name, message }) => `${name}: ${message}`),
    async counter(name) {
      await clock.advance(1_000);
      const line = (await metrics.render()).split('\n').find((each) => each.startsWith(`${name}{`));
      return Number(line?.split(' ').at(-1) ?? Number.NaN);
    },
    async [Symbol.asyncDispose]() {
      for (const scope of [...scopes.values()].reverse()) await scope.close();
      await test[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
      assert.deepEqual(failures, []);
    },
  };
}
