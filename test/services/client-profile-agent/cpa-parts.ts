import { pino } from 'pino';
import type { DatastoreEngine } from '../../../src/datastore/datastore.ts';
import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import type { Database } from '../../../src/ids/database.ts';
import type { Clock } from '../../../src/platform/clock.ts';
import type { HttpsListener } from '../../../src/platform/https-listener.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import type { Service } from '../../../src/platform/service.ts';
import {
  type ClientProfileAgentOptions,
  clientProfileAgentDescriptor,
  createClientProfileAgent,
} from '../../../src/services/client-profile-agent/client-profile-agent.ts';
import {
  createLoginDatastore,
  type LoginDatastore,
  loginDatastoreDescriptor,
} from '../../../src/services/login-datastore/login-datastore.ts';
import {
  createRouteDatastore,
  routeDatastoreDescriptor,
} from '../../../src/services/route-datastore/route-datastore.ts';
import {
  createLoginThrottle,
  type LoginThrottleOptions,
  loginThrottleOptions,
} from '../../../src/sign-in/login-throttle.ts';
import { createSignIn } from '../../../src/sign-in/sign-in.ts';
import { openTestIds, type TestIds } from '../../support/test-ids.ts';

export const DOMAIN = 'acme.example';
/** Every user's password to begin with. */
export const PASSWORD = 'secret';

type User = Partial<Database['enduser']> & { readonly userid: string };

const NODE_ID = 1;

export function userRow(user: User): Database['enduser'] {
  return {
    pkid: `pkid-${user.userid.toLowerCase()}`,
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
    imaddress: `${user.userid.toLowerCase()}@${DOMAIN}`,
    xcp_user_id: user.userid.toLowerCase(),
    enablecups: 1,
    islocaluser: 1,
    status: 1,
    enablecalendarpresence: 0,
    presencegroup: '',
    serviceprofile: '',
    primaryextension: '',
    primarynodeid: NODE_ID,
    tkassignmentstate: 1,
    peerclusterid: null,
    peernode: null,
    deletedat: null,
    ...user,
  };
}

const USERS: readonly User[] = [
  { userid: 'Alice', displayname: 'Alice Ämter', firstname: 'Alice', lastname: 'Ämter', mailid: 'alice@mail.example' },
  { userid: 'bob', displayname: 'Bob', enablecalendarpresence: 1 },
  { userid: 'carol', displayname: '100%_Carol' },
  { userid: 'mallory', enablecups: 0, primarynodeid: null },
  { userid: 'trent', status: 0 },
  { userid: 'walter', primarynodeid: null, tkassignmentstate: 0 },
  { userid: 'olga', primarynodeid: 2 },
  { userid: 'paul', primarynodeid: null, peerclusterid: 'east', peernode: 'imp.east.example' },
];

/** The cluster's nodes, users and application users of these tests. */
export async function seed({ ids }: TestIds): Promise<void> {
  await ids.transaction('cucm', async (trx) => {
    const node = { subclusterid: 1, tkhaserverstate: 0, hareason: '', version: '0.1.0' };
    await trx
      .insertInto('enterprisenode')
      .values([
        { ...node, id: NODE_ID, name: 'imp1', address: 'imp1.acme.example', isprimary: 1 },
        { ...node, id: 2, name: 'imp2', address: 'imp2.acme.example', isprimary: 0 },
      ])
      .execute();
    await trx
      .insertInto('enterprisesubcluster')
      .values({ id: 1, name: 'DefaultCUPSubcluster', description: '', haenabled: 0 })
      .execute();
    await trx.insertInto('imdomain').values({ domain: DOMAIN, isdefault: 1, isadminmanaged: 1 }).execute();
    await trx.insertInto('enduser').values(USERS.map(userRow)).execute();
    const application = { isstandard: 0, presencegroup: '', deletedat: null };
    await trx
      .insertInto('applicationuser')
      .values([
        { ...application, pkid: 'app-1', name: 'appuser' },
        { ...application, pkid: 'app-2', name: 'norole' },
        { ...application, pkid: 'app-3', name: 'bob' },
      ])
      .execute();
    await trx.insertInto('dirgroup').values({ pkid: 'g-1', name: 'Admin-3rd Party API', deletedat: null }).execute();
    await trx
      .insertInto('applicationuserdirgroupmap')
      .values([
        { fkapplicationuser: 'app-1', fkdirgroup: 'g-1' },
        { fkapplicationuser: 'app-3', fkdirgroup: 'g-1' },
      ])
      .execute();
  });
}

/** The agent with the two datastores that it stands on, started; what it is reached through is the caller's. */
export interface CpaParts extends AsyncDisposable {
  readonly test: TestIds;
  readonly engine: DatastoreEngine;
  readonly loginDatastore: LoginDatastore & Service;
  /** By user id in lower case. */
  readonly passwords: Map<string, string>;
  readonly scopes: { readonly login: OwnedScope; readonly route: OwnedScope; readonly agent: OwnedScope };
}

export interface CpaPartsOptions {
  readonly clock: Clock;
  readonly listener: HttpsListener;
  readonly host: string;
  readonly options?: Partial<ClientProfileAgentOptions>;
  readonly throttle?: Partial<LoginThrottleOptions>;
  readonly isCucmAway?: () => boolean;
  readonly onCheck?: () => void;
  /** Absent: a new IDS with the users of these tests. */
  readonly test?: TestIds;
}

/** Puts the agent on a real IDS and real datastores; CUCM alone is played by a table of passwords. */
export async function openCpaParts(needs: CpaPartsOptions): Promise<CpaParts> {
  const { clock, listener, host } = needs;
  const log = pino({ level: 'silent' });
  const test = needs.test ?? (await openTestIds());
  if (!needs.test) await seed(test);
  const { ids, changeFeed, metrics, alarms } = test;
  const engine = createMemoryEngine({ clock, metrics, log });
  const failures: unknown[] = [];
  const scope = (): OwnedScope => createScope(clock, (error) => failures.push(error));
  const scopes = { login: scope(), route: scope(), agent: scope() };
  const loginDatastore = createLoginDatastore(
    { engine, clock, log, metrics, servedBy: () => ({ node: 'imp1', epoch: 0 }) },
    loginDatastoreDescriptor.options.parse({}),
  );
  const routeDatastore = createRouteDatastore(
    { engine, ids, changeFeed, log, nodeName: 'imp1' },
    routeDatastoreDescriptor.options.parse({}),
  );
  await loginDatastore.start(scopes.login);
  await routeDatastore.start(scopes.route);
  const passwords = new Map(
    [...USERS.map(({ userid }) => userid.toLowerCase()), 'appuser', 'norole'].map((id) => [id, PASSWORD]),
  );
  const credentials = {
    async check(_kind: string, userid: string, password: string) {
      needs.onCheck?.();
      if (needs.isCucmAway?.()) return 'unavailable' as const;
      return passwords.get(userid.toLowerCase()) === password ? ('match' as const) : ('mismatch' as const);
    },
  };
  const throttle = createLoginThrottle(clock, loginThrottleOptions.parse(needs.throttle ?? {}));
  const signIn = createSignIn({
    ...{ ids, loginDatastore, routeDatastore, credentials, throttle },
    ...{ log, domain: DOMAIN },
  });
  const agent = createClientProfileAgent(
    {
      ...{ listener, ids, changeFeed, loginDatastore, routeDatastore, signIn },
      ...{ clock, log, metrics, alarms, host, domain: DOMAIN },
    },
    clientProfileAgentDescriptor.options.parse(needs.options ?? {}),
  );
  await agent.start(scopes.agent);
  return {
    test,
    engine,
    loginDatastore,
    passwords,
    scopes,
    async [Symbol.asyncDispose]() {
      for (const each of [scopes.agent, scopes.route, scopes.login]) await each.close();
      await engine[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
      if (failures.length > 0) throw new AggregateError(failures, 'a background task failed');
    },
  };
}
