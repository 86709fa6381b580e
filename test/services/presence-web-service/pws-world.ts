import { pino } from 'pino';
import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import type { Database } from '../../../src/ids/database.ts';
import {
  createHttpListener,
  createHttpsListener,
  type HttpsListener,
  type TlsMaterial,
} from '../../../src/platform/https-listener.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import type { Service } from '../../../src/platform/service.ts';
import { composePresence } from '../../../src/presence/compose.ts';
import type { Compose } from '../../../src/presence/publication.ts';
import {
  createLoginDatastore,
  type LoginDatastore,
  loginDatastoreDescriptor,
} from '../../../src/services/login-datastore/login-datastore.ts';
import {
  createPresenceDatastore,
  type PresenceDatastore,
  type PresenceDatastoreOptions,
  presenceDatastoreDescriptor,
} from '../../../src/services/presence-datastore/presence-datastore.ts';
import {
  createPresenceWebService,
  createPresenceWebServiceBusyApp,
  type PresenceWebServiceOptions,
  presenceWebServiceDescriptor,
} from '../../../src/services/presence-web-service/presence-web-service.ts';
import {
  createRouteDatastore,
  routeDatastoreDescriptor,
} from '../../../src/services/route-datastore/route-datastore.ts';
import { createLoginThrottle, loginThrottleOptions } from '../../../src/sign-in/login-throttle.ts';
import { createSignIn } from '../../../src/sign-in/sign-in.ts';
import { ENVELOPE_NAMESPACE, type SoapVersion } from '../../../src/soap/envelope.ts';
import { element, textOf, type XmlElement } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { FakeClock, turn } from '../../support/fake-clock.ts';
import { openTestIds, type TestIds } from '../../support/test-ids.ts';
import { validateRestAnswer, validateSoapAnswer } from './schema.ts';

export const NS = 'urn:cisco:cup:presence:soap';
export const DOMAIN = 'acme.example';
export const BASE = '/presence-service';
const NODE_ID = 1;

export interface SoapAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body's child. */
  readonly payload: XmlElement;
}

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface SoapOptions {
  readonly key?: string;
  readonly version?: SoapVersion;
  readonly header?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RestOptions {
  readonly key?: string;
  readonly body?: string;
  readonly expiry?: number | string;
  readonly override?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A Presence Web Service on real stores; CUCM alone is played by a table of passwords. */
export interface PwsWorld extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  /** Port of the listener with TLS; 0 when there is none. */
  readonly securePort: number;
  readonly clock: FakeClock;
  readonly test: TestIds;
  readonly loginDatastore: LoginDatastore & Service;
  readonly presenceDatastore: PresenceDatastore & Service;
  readonly service: Service;
  /** Milliseconds that work is said to wait for the CPU. */
  delayMs: number;
  readonly passwords: Map<string, string>;
  isCucmAway: boolean;
  restart(): Promise<void>;
  /** Stops the service and leaves it stopped. */
  stop(): Promise<void>;
  soap(payload: string, options?: SoapOptions): Promise<SoapAnswer>;
  post(body: string, headers?: Readonly<Record<string, string>>): Promise<SoapAnswer>;
  rest(method: string, path: string, options?: RestOptions): Promise<RestAnswer>;
  /** Keys of an application user, and of an end user signed in by it. */
  signInApplication(user?: string): Promise<string>;
  signIn(user: string, applicationKey: string): Promise<string>;
  /** Registers an endpoint for a callback URL. */
  register(applicationKey: string, url: string): Promise<number>;
  /** Subscribes an end user to contacts. */
  subscribe(key: string, user: string, endPoint: number, contacts: readonly string[]): Promise<number>;
  setBasic(key: string, user: string, state: string, override?: boolean): Promise<RestAnswer>;
  /** Basic presence as an end user sees it, one state a contact. */
  see(key: string, user: string, ...contacts: readonly string[]): Promise<string[]>;
  /** Everything committed so far has been handled by those who follow. */
  settle(): Promise<void>;
}

export interface WorldOptions {
  readonly options?: Partial<PresenceWebServiceOptions>;
  readonly presenceOptions?: Partial<PresenceDatastoreOptions>;
  readonly compose?: Compose;
  readonly ca?: string;
  /** Opens a TLS listener beside the plain one. */
  readonly tls?: TlsMaterial;
}

/** A row of `enduser`, with what is not said filled in. */
export function userRow(user: Partial<Database['enduser']> & { readonly userid: string }): Database['enduser'] {
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

async function seed({ ids }: TestIds): Promise<void> {
  await ids.transaction('cucm', async (trx) => {
    const node = { subclusterid: 1, tkhaserverstate: 0, hareason: '', version: '0.1.0' };
    await trx
      .insertInto('enterprisenode')
      .values([
        { ...node, id: NODE_ID, name: 'imp1', address: 'imp1.acme.example', isprimary: 1 },
        { ...node, id: 2, name: 'imp2', address: 'imp2.acme.example', isprimary: 0 },
      ])
      .execute();
    await trx.insertInto('imdomain').values({ domain: DOMAIN, isdefault: 1, isadminmanaged: 1 }).execute();
    const users = [
      { userid: 'Alice', displayname: 'Alice Ämter' },
      { userid: 'bob', displayname: 'Bob <& Co>' },
      { userid: 'carol' },
      { userid: 'mallory', enablecups: 0, primarynodeid: null },
      { userid: 'walter', primarynodeid: null, tkassignmentstate: 0 },
      { userid: 'olga', primarynodeid: 2 },
      { userid: 'paul', primarynodeid: null, peerclusterid: 'east', peernode: 'imp.east.example' },
    ];
    await trx.insertInto('enduser').values(users.map(userRow)).execute();
    const application = { isstandard: 0, presencegroup: '', deletedat: null };
    await trx
      .insertInto('applicationuser')
      .values(['appuser', 'other', 'norole'].map((name, index) => ({ ...application, pkid: `app-${index + 1}`, name })))
      .execute();
    await trx.insertInto('dirgroup').values({ pkid: 'g-1', name: 'Admin-3rd Party API', deletedat: null }).execute();
    await trx
      .insertInto('applicationuserdirgroupmap')
      .values(['app-1', 'app-2'].map((fkapplicationuser) => ({ fkapplicationuser, fkdirgroup: 'g-1' })))
      .execute();
  });
}

export async function openPwsWorld(wanted: WorldOptions = {}): Promise<PwsWorld> {
  const log = pino({ level: 'silent' });
  const clock = new FakeClock();
  const test = await openTestIds();
  await seed(test);
  const { ids, changeFeed, metrics, alarms } = test;
  const engine = createMemoryEngine({ clock, metrics, log });
  const failures: unknown[] = [];
  const scope = (): OwnedScope => createScope(clock, (error) => failures.push(error));
  const stores = scope();
  const loginDatastore = createLoginDatastore(
    { engine, clock, log, metrics, servedBy: () => ({ node: 'imp1', epoch: 0 }) },
    loginDatastoreDescriptor.options.parse({}),
  );
  const routeDatastore = createRouteDatastore(
    { engine, ids, changeFeed, log, nodeName: 'imp1' },
    routeDatastoreDescriptor.options.parse({}),
  );
  const presenceDatastore = createPresenceDatastore(
    { engine, log },
    presenceDatastoreDescriptor.options.parse(wanted.presenceOptions ?? {}),
  );
  for (const each of [loginDatastore, routeDatastore, presenceDatastore]) await each.start(stores);
  const passwords = new Map(['alice', 'bob', 'appuser', 'other', 'norole'].map((id) => [id, 'secret']));
  // Without TLS of its own, the plain one stands in for the listener with TLS.
  const listener: HttpsListener = createHttpListener('test', log);
  const secure = wanted.tls && createHttpsListener('test', wanted.tls, log);
  const signIn = createSignIn({
    ids,
    loginDatastore,
    routeDatastore,
    credentials: {
      async check(_kind, userid, password) {
        if (world.isCucmAway) return 'unavailable';
        return passwords.get(userid.toLowerCase()) === password ? 'match' : 'mismatch';
      },
    },
    throttle: createLoginThrottle(clock, loginThrottleOptions.parse({})),
    log,
    domain: DOMAIN,
  });
  const service = createPresenceWebService(
    {
      listener: secure ?? listener,
      ...(secure ? { httpListener: listener } : {}),
      ids,
      changeFeed,
      loginDatastore,
      routeDatastore,
      presenceDatastore,
      signIn,
      compose: wanted.compose ?? composePresence,
      clock,
      log,
      metrics,
      alarms,
      host: '127.0.0.1',
      readDelay: () => world.delayMs,
      ...(wanted.ca === undefined ? {} : { ca: wanted.ca }),
    },
    presenceWebServiceDescriptor.options.parse(wanted.options ?? {}),
  );
  let serving = scope();
  listener.mount(BASE, createPresenceWebServiceBusyApp());
  await service.start(serving);
  await listener.listen('127.0.0.1', 0);
  await secure?.listen('127.0.0.1', 0);
  const origin = `http://127.0.0.1:${listener.port}`;

  const world: PwsWorld = {
    origin,
    port: listener.port,
    securePort: secure?.port ?? 0,
    clock,
    test,
    loginDatastore,
    presenceDatastore,
    service,
    delayMs: 0,
    passwords,
    isCucmAway: false,
    async restart() {
      await serving.close();
      serving = scope();
      await service.start(serving);
    },
    stop: () => serving.close(),
    async post(body, headers = {}) {
      const response = await fetch(`${origin}${BASE}/soap`, {
        method: 'POST',
        headers: { 'content-type': 'text/xml; charset=utf-8', ...headers },
        body,
      });
      const text = await response.text();
      validateSoapAnswer(text);
      return { status: response.status, headers: response.headers, text, payload: payloadOf(text) };
    },
    soap: (payload, options = {}) => world.post(envelope(payload, options), options.headers),
    async rest(method, path, { key, body, expiry, override, headers = {} } = {}) {
      const response = await fetch(`${origin}${BASE}${path}`, {
        method,
        redirect: 'manual',
        headers: {
          ...(key === undefined ? {} : { 'Presence-Session-Key': key }),
          ...(expiry === undefined ? {} : { 'Presence-Expiry': String(expiry) }),
          ...(override === undefined ? {} : { 'Presence-Override': override }),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
      });
      const text = await response.text();
      validateRestAnswer(text);
      return { status: response.status, headers: response.headers, text };
    },
    async signInApplication(user = 'appuser') {
      const body = '<session><password>secret</password></session>';
      return sessionKeyOf(await world.rest('POST', `/users/${user}/sessions`, { body }));
    },
    signIn: async (user, key) => sessionKeyOf(await world.rest('POST', `/users/${user}/sessions`, { key })),
    async register(key, url) {
      const body = `<endpoint><url>${url}</url></endpoint>`;
      return idOf(await world.rest('POST', '/endpoints', { key, expiry: 86_400, body }));
    },
    async subscribe(key, user, endPoint, contacts) {
      const body = subscriptionBody(endPoint, contacts);
      return idOf(await world.rest('POST', `/users/${user}/subscriptions`, { key, expiry: 3_600, body }));
    },
    setBasic: (key, user, state, override = false) =>
      world.rest('PUT', `/users/${user}/presence/basic`, {
        key,
        expiry: 3_600,
        override: String(override),
        body: `<presence>${state}</presence>`,
      }),
    async see(key, user, ...contacts) {
      const answer = await world.rest('GET', `/users/${user}/presence/basic/contacts/${contacts.join(',')}`, { key });
      return statesOf(answer.text);
    },
    async settle() {
      await changeFeed.settled();
      await turn();
    },
    async [Symbol.asyncDispose]() {
      await listener.close();
      await secure?.close();
      await serving.close();
      await stores.close();
      await engine[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
      if (failures.length > 0) throw new AggregateError(failures, 'a background task failed');
    },
  };
  return world;
}

export function envelope(payload: string, { key, version = '1.1', header = '' }: SoapOptions = {}): string {
  const session = key === undefined ? '' : `<session-key xmlns="${NS}">${key}</session-key>`;
  return `<s:Envelope xmlns:s="${ENVELOPE_NAMESPACE[version]}"><s:Header>${session}${header}</s:Header><s:Body>${payload}</s:Body></s:Envelope>`;
}

export function payloadOf(text: string): XmlElement {
  const body = element(parseXml(text), 'Body');
  const payload = body?.children.find((each): each is XmlElement => typeof each !== 'string');
  if (!payload) throw new Error(`no payload in ${text}`);
  return payload;
}

/** Text at a path of element names below the payload. */
export function at(payload: XmlElement, ...path: readonly string[]): string | undefined {
  let found: XmlElement | undefined = payload;
  for (const name of path) found = found && element(found, name);
  return found && textOf(found);
}

/** The number of a fault or an error, in either face. */
export function numberOf({ text }: { readonly text: string }): number | undefined {
  const found = /<p:error code="(\d+)">/.exec(text) ?? /<error><code>(\d+)<\/code>/.exec(text);
  return found ? Number(found[1]) : undefined;
}

export function sessionKeyOf({ text }: RestAnswer): string {
  const key = /<sessionKey>([^<]+)<\/sessionKey>/.exec(text)?.[1];
  if (key === undefined) throw new Error(`no session key in ${text}`);
  return key;
}

/** The id that `Location` ends in. */
export function idOf({ status, headers, text }: RestAnswer): number {
  const id = /\/(\d+)$/.exec(headers.get('location') ?? '')?.[1];
  if (status !== 201 || id === undefined) throw new Error(`no id in the answer ${status} ${text}`);
  return Number(id);
}

export function statesOf(text: string): string[] {
  return [...text.matchAll(/presenceStatus="([A-Z]+)"/g)].map((match) => match[1] as string);
}

export function subscriptionBody(endPoint: number, contacts: readonly string[]): string {
  const list = contacts.map((uri) => `<contact contactURI="${uri}"/>`).join('');
  return `<subscription><contactsList>${list}</contactsList><subscriptionType>PRESENCE_NOTIFICATION</subscriptionType><endPointID>${endPoint}</endPointID></subscription>`;
}
