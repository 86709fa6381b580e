import type { DatastoreEngine } from '../../../src/datastore/datastore.ts';
import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import type { Database } from '../../../src/ids/database.ts';
import { createLog } from '../../../src/platform/log.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import type { Service } from '../../../src/platform/service.ts';
import { PRESENCE_EVENT, type Publication } from '../../../src/presence/publication.ts';
import { createRpcClient } from '../../../src/rpc/client.ts';
import { createFileStore } from '../../../src/rpc/handover/file-store.ts';
import { resolveParameters } from '../../../src/rpc/handover/parameters.ts';
import type { EngineConfiguration, PresenceGateway } from '../../../src/rpc/presence-engine/configuration.ts';
import { engineFormat } from '../../../src/rpc/presence-engine/format.ts';
import { ENGINE_PARAMETERS, type EngineParameters } from '../../../src/rpc/presence-engine/parameters.ts';
import {
  createPresenceDatastore,
  type PresenceDatastore,
  presenceDatastoreDescriptor,
} from '../../../src/services/presence-datastore/presence-datastore.ts';
import type { Load } from '../../../src/services/presence-engine/overload.ts';
import {
  createPresenceEngine,
  type PresenceEngine,
  type PresenceEngineOptions,
  presenceEngineDescriptor,
} from '../../../src/services/presence-engine/presence-engine.ts';
import {
  createRouteDatastore,
  type RouteDatastore,
  routeDatastoreDescriptor,
} from '../../../src/services/route-datastore/route-datastore.ts';
import { makeTestTls } from '../../rpc/support/test-tls.ts';
import { FakeClock, turn } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/imp-process.ts';
import { openTestIds, type TestIds } from '../../support/test-ids.ts';

export const DOMAIN = 'acme.example';
/** Made once: keys take their time. */
let tlsOnce: ReturnType<typeof makeTestTls> | undefined;

export interface EngineWorldOptions {
  readonly options?: Partial<PresenceEngineOptions>;
  readonly parameters?: Partial<EngineParameters>;
  readonly gateways?: readonly PresenceGateway[];
}

/** A Presence Engine on real stores and real sockets; time alone stands still, and the load is told. */
export interface EngineWorld extends AsyncDisposable {
  readonly test: TestIds;
  readonly clock: FakeClock;
  readonly engine: Service & PresenceEngine;
  readonly routeDatastore: RouteDatastore & Service;
  readonly presenceDatastore: PresenceDatastore & Service;
  /** What the stores stand on; another service may share them. */
  readonly store: DatastoreEngine;
  readonly failures: unknown[];
  load: Load;
  /** Writes a new version of the configuration, and waits until it runs. */
  configure(parameters: Partial<EngineParameters>, gateways?: readonly PresenceGateway[]): Promise<void>;
  publish(publication: Partial<Publication> & Pick<Publication, 'presentity' | 'source' | 'document'>): Promise<void>;
  /** A phone of CUCM's with a line. */
  addPhone(owner: string, name: string, line: string): Promise<void>;
  addContact(owner: string, contact: string, nickname?: string): Promise<void>;
  setProperty(user: string, name: string, value: string): Promise<void>;
  /** Everything committed so far has been handled by those who follow. */
  settle(): Promise<void>;
  restart(): Promise<void>;
  metric(name: string): Promise<readonly string[]>;
}

export function pkidOf(userid: string): string {
  return `pkid-${userid}`;
}

function userRow(userid: string, parts: Partial<Database['enduser']> = {}): Database['enduser'] {
  return {
    pkid: pkidOf(userid),
    userid,
    firstname: '',
    middlename: '',
    lastname: '',
    displayname: userid.toUpperCase(),
    mailid: '',
    department: '',
    title: '',
    manager: '',
    telephonenumber: '',
    homenumber: '',
    mobilenumber: '',
    pagernumber: '',
    userlocale: '',
    directoryuri: '',
    imaddress: `${userid}@${DOMAIN}`,
    xcp_user_id: userid,
    enablecups: 1,
    islocaluser: 1,
    status: 1,
    enablecalendarpresence: 0,
    presencegroup: '',
    serviceprofile: '',
    primaryextension: '',
    primarynodeid: 1,
    tkassignmentstate: 1,
    peerclusterid: null,
    peernode: null,
    deletedat: null,
    ...parts,
  };
}

export async function openEngineWorld(wanted: EngineWorldOptions = {}): Promise<EngineWorld> {
  const log = createLog({ level: 'silent' });
  const clock = new FakeClock();
  const folder = await temporaryFolder();
  const test = await openTestIds();
  const { ids, changeFeed, metrics, alarms } = test;
  tlsOnce ??= makeTestTls();
  const tls = await tlsOnce;
  await ids.transaction('cucm', async (trx) => {
    const node = { subclusterid: 1, tkhaserverstate: 0, hareason: '', version: '1' };
    await trx
      .insertInto('enterprisenode')
      .values([
        { ...node, id: 1, name: 'imp1', address: '127.0.0.1', isprimary: 1 },
        { ...node, id: 2, name: 'imp2', address: '127.0.0.2', isprimary: 0 },
      ])
      .execute();
    await trx.insertInto('imdomain').values({ domain: DOMAIN, isdefault: 1, isadminmanaged: 1 }).execute();
    const users = [
      ...['alice', 'bob', 'carol', 'dave'].map((userid) => userRow(userid)),
      userRow('mallory', { enablecups: 0 }),
      userRow('olga', { primarynodeid: 2 }),
    ];
    await trx.insertInto('enduser').values(users).execute();
  });
  const failures: unknown[] = [];
  const scope = (): OwnedScope => createScope(clock, (error) => failures.push(error));
  const stores = scope();
  const store = createMemoryEngine({ clock, log, metrics });
  const routeDatastore = createRouteDatastore(
    { engine: store, ids, changeFeed, log, nodeName: 'imp1' },
    routeDatastoreDescriptor.options.parse({}),
  );
  const presenceDatastore = createPresenceDatastore(
    { engine: store, log },
    presenceDatastoreDescriptor.options.parse({}),
  );
  await routeDatastore.start(stores);
  await presenceDatastore.start(stores);

  const files = createFileStore(folder.path);
  let version = 0;
  let parameters: EngineParameters = {
    ...resolveParameters(ENGINE_PARAMETERS, [], 'imp1', undefined).values,
    ...wanted.parameters,
  };
  let gateways = wanted.gateways ?? [];
  const write = async (): Promise<void> => {
    version += 1;
    const content: EngineConfiguration = {
      parameters,
      defaultDomain: DOMAIN,
      domains: [DOMAIN],
      node: { id: 1, name: 'imp1', group: 1, isPublisher: true },
      peer: null,
      gateways,
    };
    for (const file of engineFormat.render(content, version, undefined)) await files.write(file.name, file.text);
  };
  await write();

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
      readLoad: () => world.load,
    },
    presenceEngineDescriptor.options.parse(wanted.options ?? {}),
  );

  const world: EngineWorld = {
    test,
    clock,
    engine,
    routeDatastore,
    presenceDatastore,
    store,
    failures,
    load: { cpuPercent: 0, memoryPercent: 0 },
    async configure(changed, newGateways = gateways) {
      gateways = newGateways;
      parameters = { ...parameters, ...changed };
      await write();
      await using client = createRpcClient({
        address: () => engine.controlAddress(),
        tls,
        clock,
        log,
        timeoutMs: 5_000,
      });
      await client.call('configChanged', { version });
    },
    publish: (parts) =>
      presenceDatastore.publish(
        { event: PRESENCE_EVENT, kind: 'client', sessionId: '', publishedAt: clock.now(), ...parts },
        3_600_000,
      ),
    async addPhone(owneruserid, name, line) {
      await ids.transaction('cucm', async (trx) => {
        const device = { description: '', product: 'Cisco 8845', model: '', protocol: 'SIP', devicepool: 'Default' };
        const state = { allowcticontrol: 1, dndstatus: 0, dndoption: 'Ringer Off', deletedat: null };
        await trx
          .insertInto('device')
          .values({ ...device, ...state, pkid: `d-${name}`, name, owneruserid })
          .execute();
        await trx
          .insertInto('numplan')
          .values({
            pkid: `n-${line}`,
            dnorpattern: line,
            partition: '',
            description: '',
            alertingname: '',
            deletedat: null,
          })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
        await trx
          .insertInto('devicenumplanmap')
          .values({
            pkid: `m-${name}`,
            fkdevice: `d-${name}`,
            fknumplan: `n-${line}`,
            numplanindex: 1,
            label: '',
            display: '',
          })
          .execute();
      });
    },
    async addContact(owner, contact, nickname = '') {
      const [contactuser = '', contactdomain = ''] = contact.split('@');
      await ids.transaction('client', (trx) =>
        trx
          .insertInto('rosteritem')
          .values({
            pkid: `${owner}-${contact}`,
            fkenduser: pkidOf(owner),
            contactuser,
            contactdomain,
            nickname,
            presenceaware: 1,
            subscription: 'none',
            ask: 0,
          })
          .execute(),
      );
    },
    async setProperty(user, name, value) {
      await ids.transaction('client', (trx) =>
        trx
          .insertInto('enduserproperty')
          .values({ fkenduser: pkidOf(user), name, value })
          .onConflict((conflict) => conflict.columns(['fkenduser', 'name']).doUpdateSet({ value }))
          .execute(),
      );
    },
    async settle() {
      await changeFeed.settled();
      await turn();
    },
    async restart() {
      await serving.close();
      serving = scope();
      await engine.start(serving);
      await world.settle();
    },
    async metric(name) {
      return (await metrics.render())
        .split('\n')
        .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    },
    async [Symbol.asyncDispose]() {
      await serving.close();
      await stores.close();
      await store[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
      if (failures.length > 0) throw new AggregateError(failures, 'a background task failed');
    },
  };
  let serving = scope();
  await engine.start(serving);
  await world.settle();
  return world;
}
