import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import supertest from 'supertest';
import type { DatastoreEngine } from '../../../src/datastore/datastore.ts';
import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import type { Database } from '../../../src/ids/database.ts';
import type { HttpHandler, HttpsListener } from '../../../src/platform/https-listener.ts';
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
import { ENVELOPE_NAMESPACE, type SoapVersion } from '../../../src/soap/envelope.ts';
import { element as child, textOf, type XmlElement } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { openTestIds, type TestIds } from '../../support/test-ids.ts';
import { validateAnswer } from './schema.ts';

export const EPAS = 'urn:cisco:epas:soap';
export const DOMAIN = 'acme.example';
const log = pino({ level: 'silent' });

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The body's child. */
  readonly payload: XmlElement;
}

/** A Client Profile Agent on a real IDS and real datastores; CUCM alone is played by a table of passwords. */
export interface CpaWorld extends AsyncDisposable {
  /** Port of the agent on the loopback address, without TLS. */
  readonly port: number;
  readonly app: HttpHandler;
  readonly clock: FakeClock;
  readonly test: TestIds;
  readonly engine: DatastoreEngine;
  readonly loginDatastore: LoginDatastore & Service;
  /** Passwords by user id in lower case; every user of the world has `secret`. */
  readonly passwords: Map<string, string>;
  /** CUCM cannot be asked while this is set. */
  isCucmAway: boolean;
  /** Password checks so far. */
  checks: number;
  readonly scopes: { readonly login: OwnedScope; readonly route: OwnedScope; readonly agent: OwnedScope };
  /** Sends a body, as it is. Every answer is checked against our schema. */
  post(body: string, options?: PostOptions): Promise<Answer>;
  /** Sends a payload in an envelope, with a session key if there is one. */
  call(payload: string, options?: CallOptions): Promise<Answer>;
  /** Signs an end user in and gives the key. */
  signIn(user: string, attributes?: string): Promise<string>;
  /** Everything committed so far has been handled by those who follow. */
  settle(): Promise<void>;
}

export interface PostOptions {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface CallOptions extends PostOptions {
  readonly key?: string;
  readonly version?: SoapVersion;
  /** More header blocks. */
  readonly header?: string;
}

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

/** Catches what a service mounts, so that no port is needed. */
export function createFakeListener(): HttpsListener & { readonly handler: HttpHandler } {
  const mounts: HttpHandler[] = [];
  return {
    name: 'test',
    mount(_prefix, handler) {
      mounts.push(handler);
      return { [Symbol.dispose]: () => void mounts.splice(mounts.indexOf(handler), 1) };
    },
    listen: () => Promise.resolve(),
    port: 8443,
    renew: () => undefined,
    close: () => Promise.resolve(),
    handler: (request, response) => {
      const handler = mounts.at(-1);
      if (handler) handler(request, response);
      else response.writeHead(404).end();
    },
  };
}

export async function openCpaWorld(options: Partial<ClientProfileAgentOptions> = {}): Promise<CpaWorld> {
  const clock = new FakeClock();
  const test = await openTestIds();
  await seed(test);
  const { ids, changeFeed, metrics, alarms } = test;
  const engine = createMemoryEngine({ clock, metrics, log });
  const failures: unknown[] = [];
  const scope = (): OwnedScope => createScope(clock, (error) => failures.push(error));
  const scopes = { login: scope(), route: scope(), agent: scope() };

  const loginDatastore = createLoginDatastore(
    { engine, clock, log, metrics },
    loginDatastoreDescriptor.options.parse({}),
  );
  const routeDatastore = createRouteDatastore(
    { engine, ids, changeFeed, log, nodeName: 'imp1' },
    routeDatastoreDescriptor.options.parse({}),
  );
  await loginDatastore.start(scopes.login);
  await routeDatastore.start(scopes.route);
  const passwords = new Map(
    [...USERS.map(({ userid }) => userid.toLowerCase()), 'appuser', 'norole'].map((id) => [id, 'secret']),
  );
  const listener = createFakeListener();
  const agent = createClientProfileAgent(
    {
      listener,
      ids,
      changeFeed,
      loginDatastore,
      routeDatastore,
      credentials: {
        async check(_kind, userid, password) {
          world.checks += 1;
          if (world.isCucmAway) return 'unavailable';
          return passwords.get(userid.toLowerCase()) === password ? 'match' : 'mismatch';
        },
      },
      clock,
      log,
      metrics,
      alarms,
      host: 'imp1.acme.example',
      domain: DOMAIN,
    },
    clientProfileAgentDescriptor.options.parse(options),
  );
  await agent.start(scopes.agent);
  const app: HttpHandler = listener.handler;
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const base = `http://127.0.0.1:${port}`;

  const world: CpaWorld = {
    port,
    app,
    clock,
    test,
    engine,
    loginDatastore,
    passwords,
    isCucmAway: false,
    checks: 0,
    scopes,
    async post(body, { path = '/EPASSoap/service/v80', headers = {} } = {}) {
      const response = await supertest(base)
        .post(path)
        .set({ 'content-type': 'application/soap+xml; charset=utf-8', ...headers })
        .buffer(true)
        .parse(asText)
        .send(body);
      const text = String(response.body);
      await validateAnswer(text);
      const { status } = response;
      return { status, headers: response.headers as Record<string, string>, text, payload: payloadOf(text) };
    },
    call: (payload, callOptions = {}) => world.post(envelope(payload, callOptions), callOptions),
    async signIn(user, attributes = 'client-type="CUPC"') {
      const answer = await world.call(loginRequest(user, 'secret', attributes));
      return keyOf(answer);
    },
    settle: () => changeFeed.settled(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      for (const each of [scopes.agent, scopes.route, scopes.login]) await each.close();
      await engine[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
      if (failures.length > 0) throw new AggregateError(failures, 'a background task failed');
    },
  };
  return world;
}

function asText(response: supertest.Response, done: (error: Error | null, body: string) => void): void {
  // What superagent hands to a parser is the message as it arrives.
  const stream = response as unknown as NodeJS.ReadableStream;
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  stream.on('end', () => done(null, text));
}

export function envelope(payload: string, { key, version = '1.2', header = '' }: CallOptions = {}): string {
  const session = key === undefined ? '' : `<e:session-key xmlns:e="${EPAS}">${key}</e:session-key>`;
  return `<s:Envelope xmlns:s="${ENVELOPE_NAMESPACE[version]}"><s:Header>${session}${header}</s:Header><s:Body>${payload}</s:Body></s:Envelope>`;
}

export function loginRequest(user: string, password: string, attributes = ''): string {
  return `<login xmlns="${EPAS}" ${attributes}><username>${user}</username><password>${password}</password></login>`;
}

export function loginByApplication(user: string, key: string, attributes = 'client-type="thirdclient"'): string {
  return `<login xmlns="${EPAS}" ${attributes}><username>${user}</username><app-session-id>${key}</app-session-id></login>`;
}

/** `<add-contact>` and its kin: groups with the contacts as they are to be written. */
export function contactRequest(operation: string, groups: Readonly<Record<string, readonly string[]>>): string {
  const written = Object.entries(groups).map(
    ([name, personas]) => `<group name="${name}">${personas.join('')}</group>`,
  );
  return `<${operation} xmlns="${EPAS}">${written.join('')}</${operation}>`;
}

export function persona(text: string, attributes = ''): string {
  return `<persona-id ${attributes}>${text}</persona-id>`;
}

export function payloadOf(text: string): XmlElement {
  const body = child(parseXml(text), 'Body');
  const payload = body?.children.find((each): each is XmlElement => typeof each !== 'string');
  if (!payload) throw new Error(`no payload in ${text}`);
  return payload;
}

/** Text at a path of element names below the payload. */
export function at(payload: XmlElement, ...path: readonly string[]): string | undefined {
  let found: XmlElement | undefined = payload;
  for (const name of path) found = found && child(found, name);
  return found && textOf(found);
}

export function keyOf(answer: Answer): string {
  const key = at(answer.payload, 'success', 'session-key');
  if (key === undefined) throw new Error(`no session key in ${answer.text}`);
  return key;
}

/** The number of a fault, from its detail. */
export function faultNumber(answer: Answer): string | undefined {
  return /<e:error code="(\d+)">/.exec(answer.text)?.[1];
}
