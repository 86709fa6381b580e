import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import type { Database } from '../../../src/ids/database.ts';
import { createHttpListener, createHttpsListener, type TlsMaterial } from '../../../src/platform/https-listener.ts';
import { createLog } from '../../../src/platform/log.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import type { Service } from '../../../src/platform/service.ts';
import {
  createLoginDatastore,
  type LoginDatastore,
  loginDatastoreDescriptor,
} from '../../../src/services/login-datastore/login-datastore.ts';
import type { LineControl } from '../../../src/services/rcc-device-selection/line-control/line-control.ts';
import {
  createRccBusyApp,
  createRccDeviceSelection,
  type DeviceRegistrations,
  type RccDeviceSelection,
  type RccOptions,
  rccDeviceSelectionDescriptor,
} from '../../../src/services/rcc-device-selection/rcc-device-selection.ts';
import { FakeClock, turn } from '../../support/fake-clock.ts';
import { openTestIds, type TestIds } from '../../support/test-ids.ts';

export const DOMAIN = 'acme.example';
export const HARD = 'SEP001E7A0003EB';
export const SOFT = 'CSFCAROL';

/** Phones that tests plug in and out. */
export interface TestRegistrations extends DeviceRegistrations {
  set(device: string, isRegistered: boolean): void;
}

/** Remote call control on a real IDS: alice has a phone, carol two with one number, bob is not assigned it. */
export interface RccWorld extends AsyncDisposable {
  readonly clock: FakeClock;
  readonly test: TestIds;
  readonly service: Service & RccDeviceSelection;
  readonly registrations: TestRegistrations;
  readonly loginDatastore: LoginDatastore;
  /** Of the HTTP listener. */
  readonly origin: string;
  /** Of the CSTA listener. */
  readonly port: number;
  readonly serving: OwnedScope;
  sessionKey(user: string): Promise<string>;
  /** A change of the IDS as CUCM makes it, handled by those who follow. */
  change(task: (trx: Parameters<Parameters<TestIds['ids']['transaction']>[1]>[0]) => Promise<unknown>): Promise<void>;
  alarms(): readonly string[];
  metric(name: string): Promise<string>;
}

export interface WorldOptions {
  readonly options?: Partial<RccOptions>;
  readonly lineControl?: (clock: FakeClock) => LineControl;
  readonly tls?: TlsMaterial;
}

export async function openRccWorld(wanted: WorldOptions = {}): Promise<RccWorld> {
  const log = createLog({ level: 'silent' });
  const clock = new FakeClock();
  const test = await openTestIds();
  await seed(test);
  const { ids, changeFeed, metrics, alarms } = test;
  const engine = createMemoryEngine({ clock, metrics, log });
  const failures: unknown[] = [];
  const scope = (): OwnedScope => createScope(clock, (error) => failures.push(error));
  const stores = scope();
  const serving = scope();
  const loginDatastore = createLoginDatastore(
    { engine, clock, log, metrics, servedBy: () => ({ node: 'imp1', epoch: 0 }) },
    loginDatastoreDescriptor.options.parse({}),
  );
  await loginDatastore.start(stores);
  const registrations = createTestRegistrations();
  const listener = wanted.tls ? createHttpsListener('test', wanted.tls, log) : createHttpListener('test', log);
  listener.mount('/rcc-device-selection', createRccBusyApp());
  const service = createRccDeviceSelection(
    {
      listener,
      ids,
      changeFeed,
      loginDatastore,
      registrations,
      clock,
      log,
      metrics,
      alarms,
      host: '127.0.0.1',
      sip: { host: '127.0.0.1', port: 0 },
      ...(wanted.lineControl ? { lineControl: wanted.lineControl(clock) } : {}),
    },
    rccDeviceSelectionDescriptor.options.parse(wanted.options ?? {}),
  );
  await service.start(serving);
  await listener.listen('127.0.0.1', 0);

  return {
    clock,
    test,
    service,
    registrations,
    loginDatastore,
    origin: `${wanted.tls ? 'https' : 'http'}://127.0.0.1:${listener.port}`,
    port: service.sipAddress()?.port ?? 0,
    serving,
    async sessionKey(user) {
      const { key } = await loginDatastore.open({
        kind: user === 'appuser' ? 'applicationuser' : 'enduser',
        userPkid: `pkid-${user}`,
        userid: user,
        clientType: '',
        clientVersion: '',
        owner: null,
        homeNodeId: null,
        password: null,
        force: false,
      });
      return key;
    },
    async change(task) {
      await ids.transaction('cucm', task);
      await changeFeed.settled();
      await turn();
    },
    alarms: () => alarms.active().map(({ name }) => name),
    async metric(name) {
      const line = (await metrics.render()).split('\n').find((each) => each.startsWith(name));
      return line?.split(' ').at(-1) ?? '';
    },
    async [Symbol.asyncDispose]() {
      await listener.close();
      await serving.close();
      await stores.close();
      await engine[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
      if (failures.length > 0) throw new AggregateError(failures, 'a background task failed');
    },
  };
}

function createTestRegistrations(): TestRegistrations {
  const registered = new Set<string>();
  const listeners = new Set<(device: string) => void>();
  return {
    isRegistered: (device) => registered.has(device.toUpperCase()),
    onChange(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    set(device, isRegistered) {
      if (isRegistered) registered.add(device);
      else registered.delete(device);
      for (const listener of listeners) listener(device);
    },
  };
}

const PHONES: readonly {
  readonly name: string;
  readonly owner: string;
  readonly line: string;
  readonly product: string;
}[] = [
  { name: 'SEP001E7A0003E9', owner: 'alice', line: '1001', product: 'Cisco 8841' },
  { name: 'SEP001E7A0003EA', owner: 'bob', line: '1002', product: 'Cisco 7841' },
  { name: HARD, owner: 'carol', line: '1003', product: 'Cisco 8851' },
  { name: SOFT, owner: 'carol', line: '1003', product: 'Cisco Unified Client Services Framework' },
];

async function seed({ ids }: TestIds): Promise<void> {
  await ids.transaction('cucm', async (trx) => {
    await trx
      .insertInto('dirgroup')
      .values([
        { pkid: 'g-users', name: 'Standard CCM End Users', deletedat: null },
        { pkid: 'g-cti', name: 'Standard CTI Enabled', deletedat: null },
      ])
      .execute();
    const users = ['alice', 'bob', 'carol', 'dave'];
    await trx.insertInto('enduser').values(users.map(userRow)).execute();
    const inGroup = (userid: string, fkdirgroup: string) => ({ fkenduser: `pkid-${userid}`, fkdirgroup });
    await trx
      .insertInto('enduserdirgroupmap')
      .values([
        ...['alice', 'bob', 'carol'].map((userid) => inGroup(userid, 'g-users')),
        ...['alice', 'carol', 'dave'].map((userid) => inGroup(userid, 'g-cti')),
      ])
      .execute();
    const lines = [...new Set(PHONES.map(({ line }) => line))];
    await trx
      .insertInto('numplan')
      .values(
        lines.map((dnorpattern) => ({
          pkid: `line-${dnorpattern}`,
          dnorpattern,
          partition: '',
          description: '',
          alertingname: '',
          deletedat: null,
        })),
      )
      .execute();
    for (const { name, owner, line, product } of PHONES) {
      await trx
        .insertInto('device')
        .values({
          pkid: `device-${name}`,
          name,
          description: `Phone of ${owner} <& Co>`,
          product,
          model: product,
          protocol: 'SIP',
          devicepool: 'Default',
          owneruserid: owner,
          allowcticontrol: 1,
          dndstatus: 0,
          dndoption: '',
          deletedat: null,
        })
        .execute();
      await trx
        .insertInto('devicenumplanmap')
        .values({
          pkid: `button-${name}`,
          fkdevice: `device-${name}`,
          fknumplan: `line-${line}`,
          numplanindex: 1,
          label: '',
          display: '',
        })
        .execute();
      await trx
        .insertInto('enduserdevicemap')
        .values({
          pkid: `map-${name}`,
          fkenduser: `pkid-${owner}`,
          fkdevice: `device-${name}`,
          tkuserassociation: 1,
        })
        .execute();
    }
  });
}

function userRow(userid: string): Database['enduser'] {
  return {
    pkid: `pkid-${userid}`,
    userid,
    firstname: '',
    middlename: '',
    lastname: '',
    displayname: '',
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
    primaryextension: userid === 'carol' ? '1003' : '',
    primarynodeid: 1,
    tkassignmentstate: 1,
    peerclusterid: null,
    peernode: null,
    deletedat: null,
  };
}
