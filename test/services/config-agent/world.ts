import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import { createLog } from '../../../src/platform/log.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import type { Service } from '../../../src/platform/service.ts';
import { configAgentDescriptor, createConfigAgent } from '../../../src/services/config-agent/config-agent.ts';
import {
  createRouteDatastore,
  routeDatastoreDescriptor,
} from '../../../src/services/route-datastore/route-datastore.ts';
import {
  createSipProxy,
  type SipProxy,
  type SipProxyControl,
  sipProxyDescriptor,
} from '../../../src/services/sip-proxy/sip-proxy.ts';
import {
  createSipRegistrationDatastore,
  sipRegistrationDatastoreDescriptor,
} from '../../../src/services/sip-registration-datastore/sip-registration-datastore.ts';
import { createLoginThrottle, loginThrottleOptions } from '../../../src/sign-in/login-throttle.ts';
import { createFailingFiles, type FailingFiles } from '../../rpc/support/failing-files.ts';
import { makeTestTls, type TestTls } from '../../rpc/support/test-tls.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/imp-process.ts';
import { openTestIds, type TestIds } from '../../support/test-ids.ts';

export const log = createLog({ level: 'silent' });

/** A Config Agent and a SIP Proxy on a real IDS, over real TLS; time alone stands still. */
export interface ConfigWorld extends AsyncDisposable {
  readonly test: TestIds;
  readonly clock: FakeClock;
  readonly folder: string;
  readonly files: FailingFiles;
  readonly tls: TestTls;
  readonly agent: Service;
  readonly proxy: Service & SipProxy;
  /** Failures of background tasks of either service: there must be none. */
  readonly failures: unknown[];
  startAgent(): Promise<OwnedScope>;
  startProxy(): Promise<OwnedScope>;
  /** Waits until the agent has handled what was committed, and answers the newest clause of its trace. */
  note(): Promise<string>;
  /** Active alarms: `config-agent/Name`. */
  alarms(): string[];
}

export interface ConfigWorldOptions {
  readonly control?: SipProxyControl;
  /** Default: no heartbeats. */
  readonly heartbeatPort?: number;
  /** What the node uses; may change while it runs. */
  readonly load?: { cpuPercent: number; memoryPercent: number };
}

export async function openConfigWorld(options: ConfigWorldOptions = {}): Promise<ConfigWorld> {
  const clock = new FakeClock();
  const folder = await temporaryFolder();
  const test = await openTestIds({ clock });
  const tls = await makeTestTls();
  const files = createFailingFiles();
  const scopes: OwnedScope[] = [];
  const failures: unknown[] = [];
  const { metrics, alarms, notifications } = test;
  await test.ids.transaction('node', async (trx) => {
    await trx
      .insertInto('enterprisenode')
      .values({
        id: 1,
        name: 'imp1',
        address: '127.0.0.1',
        subclusterid: 1,
        isprimary: 1,
        tkhaserverstate: 0,
        hareason: '',
        version: '1',
      })
      .execute();
    await trx.insertInto('imdomain').values({ domain: 'acme.example', isdefault: 1, isadminmanaged: 1 }).execute();
  });
  const { ids, changeFeed } = test;
  const engine = createMemoryEngine({ clock, log, metrics });
  const proxy = createSipProxy(
    {
      ...{ folder: folder.path, clock, log, metrics, alarms, notifications, tls, host: '127.0.0.1' },
      ...{ controlPort: 0, ids, changeFeed },
      // Both are not running: what they are asked for is what these tests are not about.
      registrations: createSipRegistrationDatastore(
        { engine, clock, log },
        sipRegistrationDatastoreDescriptor.options.parse({}),
      ),
      routeDatastore: createRouteDatastore(
        { engine, ids, changeFeed, log, nodeName: 'imp1' },
        routeDatastoreDescriptor.options.parse({}),
      ),
      throttle: createLoginThrottle(clock, loginThrottleOptions.parse({})),
      nodeName: 'imp1',
      listeners: { host: '127.0.0.1', port: 0, tlsPort: 0 },
      presenceEngine: () => undefined,
    },
    sipProxyDescriptor.options.parse({}),
  );
  const agent = createConfigAgent(
    {
      ids: test.ids,
      changeFeed: test.changeFeed,
      clock,
      log,
      metrics,
      alarms,
      folder: folder.path,
      nodeName: 'imp1',
      tls,
      proxy: options.control ?? proxy,
      heartbeats: { host: '127.0.0.1', port: options.heartbeatPort ?? 0 },
      readLoad: () => options.load ?? { cpuPercent: 1, memoryPercent: 1 },
      files,
    },
    configAgentDescriptor.options.parse({}),
  );
  const start = async (service: Service): Promise<OwnedScope> => {
    const scope = createScope(clock, (error) => failures.push(error));
    scopes.push(scope);
    await service.start(scope);
    return scope;
  };
  return {
    test,
    clock,
    folder: folder.path,
    files,
    tls,
    agent,
    proxy,
    failures,
    async startAgent() {
      const scope = await start(agent);
      // Its first look at the feed is over, where the disk lets it: what comes now is a batch of its own.
      if (files.left < 0) await test.changeFeed.settled();
      return scope;
    },
    startProxy: () => start(proxy),
    async note() {
      // Changes of one row within the coalescing window are held back by the clock.
      await clock.advance(300);
      await test.changeFeed.settled();
      const last = await test.changeFeed.lastSeq();
      const [change] = (await test.changeFeed.trace({ afterSeq: last - 1, limit: 1 })).slice(-1);
      return change?.handledBy.find(({ consumer }) => consumer === 'config-agent')?.note ?? '';
    },
    alarms: () => alarms.active().map(({ service, name }) => `${service}/${name}`),
    async [Symbol.asyncDispose]() {
      for (const scope of scopes.reverse()) await scope.close();
      await test[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

let keys = 0;

/** A row of `staticroute`. */
export function routeRow(given: object = {}) {
  keys += 1;
  return {
    pkid: `route-${keys}`,
    pattern: '74*',
    nexthop: 'gw1.acme.example',
    port: 5060,
    type: 'user' as const,
    transport: 'TCP' as const,
    priority: 1,
    weight: 1,
    allowlessspecific: 1,
    inservice: 1,
    block: 0,
    ...given,
  };
}

export async function addRoute(world: ConfigWorld, ...given: object[]): Promise<void> {
  await world.test.ids.transaction('administrator', async (trx) => {
    for (const each of given) await trx.insertInto('staticroute').values(routeRow(each)).execute();
  });
}

export async function setParameter(
  world: { readonly test: TestIds },
  service: string,
  name: string,
  value: string,
  node = '',
): Promise<void> {
  await world.test.ids.transaction('administrator', (trx) =>
    trx
      .insertInto('serviceparameter')
      .values({ node, service, name, value })
      .onConflict((conflict) => conflict.columns(['node', 'service', 'name']).doUpdateSet({ value }))
      .execute(),
  );
}
