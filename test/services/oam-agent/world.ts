import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import { createLog } from '../../../src/platform/log.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import type { Service } from '../../../src/platform/service.ts';
import { createOamAgent, oamAgentDescriptor } from '../../../src/services/oam-agent/oam-agent.ts';
import {
  createPresenceDatastore,
  presenceDatastoreDescriptor,
} from '../../../src/services/presence-datastore/presence-datastore.ts';
import {
  createPresenceEngine,
  type PresenceEngine,
  type PresenceEngineControl,
  presenceEngineDescriptor,
} from '../../../src/services/presence-engine/presence-engine.ts';
import {
  createRouteDatastore,
  routeDatastoreDescriptor,
} from '../../../src/services/route-datastore/route-datastore.ts';
import { createFailingFiles, type FailingFiles } from '../../rpc/support/failing-files.ts';
import { makeTestTls, type TestTls } from '../../rpc/support/test-tls.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/imp-process.ts';
import { openTestIds, type TestIds } from '../../support/test-ids.ts';

const log = createLog({ level: 'silent' });

/** An OAM Agent and a Presence Engine on a real IDS, over real TLS; time alone stands still. */
export interface OamWorld extends AsyncDisposable {
  readonly test: TestIds;
  readonly clock: FakeClock;
  readonly folder: string;
  readonly files: FailingFiles;
  readonly tls: TestTls;
  readonly agent: Service;
  readonly engine: Service & PresenceEngine;
  readonly failures: unknown[];
  startAgent(): Promise<OwnedScope>;
  startEngine(): Promise<OwnedScope>;
  /** Waits until the agent has handled what was committed, and answers the newest clause of its trace. */
  note(): Promise<string>;
  /** Active alarms: `oam-agent/Name`. */
  alarms(): string[];
  set(name: string, value: string, node?: string): Promise<void>;
}

export async function openOamWorld(options: { readonly control?: PresenceEngineControl } = {}): Promise<OamWorld> {
  const clock = new FakeClock();
  const folder = await temporaryFolder();
  const test = await openTestIds({ clock });
  const tls = await makeTestTls();
  const files = createFailingFiles();
  const scopes: OwnedScope[] = [];
  const failures: unknown[] = [];
  const { metrics, alarms } = test;
  await test.ids.transaction('node', async (trx) => {
    for (const [id, name] of [
      [1, 'imp1'],
      [2, 'imp2'],
    ] as const) {
      await trx
        .insertInto('enterprisenode')
        .values({
          id,
          name,
          address: `10.0.0.${id}`,
          subclusterid: 1,
          isprimary: id === 1 ? 1 : 0,
          tkhaserverstate: 0,
          hareason: '',
          version: '1',
        })
        .execute();
    }
    await trx.insertInto('imdomain').values({ domain: 'acme.example', isdefault: 1, isadminmanaged: 1 }).execute();
  });
  const store = createMemoryEngine({ clock, log, metrics });
  const { ids, changeFeed } = test;
  const routeDatastore = createRouteDatastore(
    { engine: store, ids, changeFeed, log, nodeName: 'imp1' },
    routeDatastoreDescriptor.options.parse({}),
  );
  const presenceDatastore = createPresenceDatastore(
    { engine: store, log },
    presenceDatastoreDescriptor.options.parse({}),
  );
  const engine = createPresenceEngine(
    {
      folder: folder.path,
      ids,
      changeFeed,
      routeDatastore,
      presenceDatastore,
      clock,
      log,
      metrics,
      alarms,
      notifications: test.notifications,
      tls,
      host: '127.0.0.1',
      controlPort: 0,
      sipPort: 0,
      // Its seconds are not those of the clock here.
      readLoad: () => ({ cpuPercent: 0, memoryPercent: 0 }),
    },
    presenceEngineDescriptor.options.parse({}),
  );
  const agent = createOamAgent(
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
      engine: options.control ?? engine,
      files,
    },
    oamAgentDescriptor.options.parse({}),
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
    engine,
    failures,
    async startAgent() {
      const scope = await start(agent);
      // Its first look at the feed is over, where the disk lets it: what comes now is a batch of its own.
      if (files.left < 0) await test.changeFeed.settled();
      return scope;
    },
    startEngine: () => start(engine),
    async note() {
      // Changes of one row within the coalescing window are held back by the clock.
      await clock.advance(300);
      await test.changeFeed.settled();
      const last = await test.changeFeed.lastSeq();
      const [change] = (await test.changeFeed.trace({ afterSeq: last - 1, limit: 1 })).slice(-1);
      return change?.handledBy.find(({ consumer }) => consumer === 'oam-agent')?.note ?? '';
    },
    alarms: () => alarms.active().map(({ service, name }) => `${service}/${name}`),
    async set(name, value, node = '') {
      await test.ids.transaction('administrator', (trx) =>
        trx
          .insertInto('serviceparameter')
          .values({ node, service: 'presence-engine', name, value })
          .onConflict((conflict) => conflict.columns(['node', 'service', 'name']).doUpdateSet({ value }))
          .execute(),
      );
    },
    async [Symbol.asyncDispose]() {
      for (const scope of scopes.reverse()) await scope.close();
      await store[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
