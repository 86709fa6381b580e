import { randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';
import type { CredentialCheck } from '../../../src/axl/credential-check.ts';
import { AxlError } from '../../../src/axl/errors.ts';
import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import type { Alarm } from '../../../src/platform/alarms.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { createHttpsListener, type HttpsListener, type TlsMaterial } from '../../../src/platform/https-listener.ts';
import { createLog } from '../../../src/platform/log.ts';
import { createScope } from '../../../src/platform/scope.ts';
import { openSecretBox } from '../../../src/platform/secret-box.ts';
import { composePresence } from '../../../src/presence/compose.ts';
import {
  createInterclusterSyncAgent,
  type InterclusterOptions,
  type InterclusterSyncAgent,
  interclusterSyncAgentDescriptor,
  type PeerOverview,
} from '../../../src/services/intercluster-sync-agent/intercluster-sync-agent.ts';
import {
  createPresenceDatastore,
  type PresenceDatastore,
  presenceDatastoreDescriptor,
} from '../../../src/services/presence-datastore/presence-datastore.ts';
import {
  createRouteDatastore,
  routeDatastoreDescriptor,
} from '../../../src/services/route-datastore/route-datastore.ts';
import { createLoginThrottle, loginThrottleOptions } from '../../../src/sign-in/login-throttle.ts';
import { FakeClock, turn } from '../../support/fake-clock.ts';
import { testCertificates } from '../../support/test-certificates.ts';
import { openTestIds, type TestIds } from '../../support/test-ids.ts';

const log = createLog({ level: 'silent' });
/** The application user of every cluster here. */
export const PEER_USER = 'peer';
export const PEER_PASSWORD = 'secret';
const GROUP = 'Standard AXL API Access';
const PATIENCE_MS = 20_000;
/** Less than any retry. */
const STEP_MS = 20;

export interface AgentWorldOptions {
  readonly domain?: string;
  readonly nodeName?: string;
  readonly options?: Partial<InterclusterOptions>;
  readonly tls?: TlsMaterial;
}

/** One cluster: an Intercluster Sync Agent on a real IDS with a listener. Its clock stands still until the test moves it. */
export interface AgentWorld extends AsyncDisposable {
  readonly test: TestIds;
  readonly clock: FakeClock;
  readonly agent: InterclusterSyncAgent;
  readonly presence: PresenceDatastore;
  /** What CUCM was told, as `SEP1 true`; a phone named in `refused` has no do not disturb. */
  readonly phonesTold: string[];
  readonly phones: { isCucmAway: boolean; readonly refused: Set<string> };
  readonly listener: HttpsListener;
  readonly url: string;
  readonly ca: string;
  /** Whether the first sync with CUCM is complete. */
  isComplete: boolean;
  /** Adds users as the Sync Agent would; answers their keys by user id. */
  addUsers(...userids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  setUser(userid: string, fields: Readonly<Record<string, string | number | null>>): Promise<void>;
  removeUser(userid: string): Promise<void>;
  addApplicationUser(name: string): Promise<void>;
  /** User ids that are shown of peers, as `userid@peer`. */
  peerUsers(): Promise<string[]>;
  addPeer(of: { readonly url: string; readonly ca: string }, password?: string): Promise<PeerOverview>;
  /** The first peer. */
  peer(): Promise<PeerOverview>;
  /** Until the first peer is one for which `judge` holds; time stands still. */
  untilPeer(judge: (peer: PeerOverview) => boolean): Promise<PeerOverview>;
  /** Until just these are shown, as in `peerUsers`; lets a little time pass meanwhile. */
  untilPeerUsers(...expected: readonly string[]): Promise<void>;
  alarm(name: string): Alarm | undefined;
  /** Stops the service, as the supervisor would; `start` begins it anew. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** One request as a peer would send it; answers status and body. */
  call(
    operation: string,
    user?: string,
    password?: string,
  ): Promise<{ readonly status: number; readonly body: string }>;
}

export async function createAgentWorld(options: AgentWorldOptions = {}): Promise<AgentWorld> {
  await using stack = new AsyncDisposableStack();
  const clock = new FakeClock();
  const test = stack.use(await openTestIds());
  const certificates = await testCertificates();
  const domain = options.domain ?? 'acme.example';
  const nodeName = options.nodeName ?? 'imp1';
  const tls = options.tls ?? certificates.tls;
  const listener = createHttpsListener('https', tls, log);
  stack.defer(() => listener.close());
  await listener.listen('127.0.0.1', 0);
  await seed(test, domain, nodeName);
  const credentials: CredentialCheck = {
    check: async (_kind, userid, password) =>
      ['peer', 'norole'].includes(userid.toLowerCase()) && password === PEER_PASSWORD ? 'match' : 'mismatch',
  };
  const state = { isComplete: true };
  const engine = stack.use(createMemoryEngine({ clock, log, metrics: test.metrics }));
  const presence = createPresenceDatastore({ engine, log }, presenceDatastoreDescriptor.options.parse({}));
  const routeDatastore = createRouteDatastore(
    { engine, ids: test.ids, changeFeed: test.changeFeed, log, nodeName },
    routeDatastoreDescriptor.options.parse({}),
  );
  const phonesTold: string[] = [];
  const phones = { isCucmAway: false, refused: new Set<string>() };
  const agent = createInterclusterSyncAgent(
    {
      axl: {
        async call(_operation, inside) {
          if (phones.isCucmAway) throw new AxlError('axl.unreachable', 'cucm refuses connections');
          const [, name = '', dnd = ''] = /<name>(.*)<\/name><dndStatus>(.*)<\/dndStatus>/.exec(inside) ?? [];
          if (phones.refused.has(name)) throw new AxlError('axl.fault', 'no such phone', { axlCode: 5007 });
          phonesTold.push(`${name} ${dnd}`);
          return { uri: '', local: 'updatePhoneResponse', attributes: [], children: [] };
        },
      },
      presenceDatastore: presence,
      routeDatastore,
      compose: composePresence,
      listener,
      ids: test.ids,
      changeFeed: test.changeFeed,
      credentials,
      throttle: createLoginThrottle(systemClock, loginThrottleOptions.parse({})),
      secrets: await openSecretBox(`${test.folder}/secrets.key`),
      atLength: (transaction) => transaction(),
      clock,
      log,
      metrics: test.metrics,
      alarms: test.alarms,
      node: { name: nodeName, domain, version: '1', isPublisher: true },
      host: '127.0.0.1',
      ports: () => ({ sip: 5060, sipTls: 5061, router: 7400 }),
      tls: { node: tls, ca: certificates.ca },
      isSyncComplete: () => state.isComplete,
      random: () => 0.5,
    },
    interclusterSyncAgentDescriptor.options.parse({ ...options.options }),
  );
  const makeScope = () =>
    createScope(clock, (error) => {
      throw error;
    });
  const stores = makeScope();
  await presence.start(stores);
  await routeDatastore.start(stores);
  stack.defer(() => stores.close());
  let scope = makeScope();
  await agent.start(scope);
  const dispatcher = new Agent({ connect: { ca: certificates.ca } });
  const parts = stack.move();
  const url = `https://127.0.0.1:${listener.port}/intercluster/soap`;

  const peer = async (): Promise<PeerOverview> => {
    const found = (await agent.peers())[0];
    if (!found) throw new Error('there is no peer');
    return found;
  };
  const until = async <T>(read: () => Promise<T>, judge: (value: T) => boolean): Promise<T> => {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const value = await read();
      if (judge(value)) return value;
      if (performance.now() > deadline) throw new Error(`it stays ${JSON.stringify(value)}`);
      await turn();
    }
  };
  const peerUsers = async (): Promise<string[]> => {
    const rows = await test.ids.read
      .selectFrom('enduser')
      .where('peerclusterid', 'is not', null)
      .select(['userid', 'peerclusterid'])
      .orderBy('userid')
      .execute();
    return rows.map(({ userid, peerclusterid }) => `${userid}@${peerclusterid}`);
  };

  return {
    test,
    clock,
    agent,
    presence,
    phonesTold,
    phones,
    listener,
    url,
    ca: certificates.ca,
    get isComplete() {
      return state.isComplete;
    },
    set isComplete(isComplete) {
      state.isComplete = isComplete;
    },
    async addUsers(...userids) {
      const keys = new Map(userids.map((userid) => [userid, randomUUID()]));
      await test.ids.transaction('cucm', async (trx) => {
        for (const [userid, pkid] of keys) {
          await trx
            .insertInto('enduser')
            .values({ ...EMPTY_USER, pkid, userid, imaddress: `${userid}@${domain}`, primarynodeid: 1 })
            .execute();
        }
      });
      return keys;
    },
    async setUser(userid, fields) {
      await test.ids.transaction('cucm', async (trx) => {
        await trx
          .updateTable('enduser')
          .set(fields)
          .where('userid', '=', userid)
          .where('peerclusterid', 'is', null)
          .execute();
      });
    },
    async removeUser(userid) {
      await test.ids.transaction('cucm', async (trx) => {
        await trx
          .updateTable('enduser')
          .set({ deletedat: clock.now() })
          .where('userid', '=', userid)
          .where('peerclusterid', 'is', null)
          .execute();
      });
    },
    async addApplicationUser(name) {
      await test.ids.transaction('cucm', async (trx) => {
        await trx
          .insertInto('applicationuser')
          .values({ pkid: randomUUID(), name, isstandard: 0, presencegroup: '', deletedat: null })
          .execute();
      });
    },
    peerUsers,
    addPeer: (of, password = PEER_PASSWORD) =>
      agent.addPeer({ url: of.url, user: PEER_USER, password, ca: of.ca, sipTransport: 'TCP' }),
    peer,
    untilPeer: (judge) => until(peer, judge),
    untilPeerUsers: async (...expected) => {
      const wanted = [...expected].sort().join();
      await until(
        async () => {
          await clock.advance(STEP_MS);
          return await peerUsers();
        },
        (found) => found.join() === wanted,
      );
    },
    alarm: (name) => test.alarms.active().find((alarm) => alarm.name === name),
    stop: () => scope.close(),
    async start() {
      scope = makeScope();
      await agent.start(scope);
    },
    async call(operation, user = PEER_USER, password = PEER_PASSWORD) {
      const answer = await request(url, {
        method: 'POST',
        dispatcher,
        headers: {
          'content-type': 'text/xml; charset=utf-8',
          ...(user === '' ? {} : { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }),
        },
        body: envelopeOf(operation),
      });
      return { status: answer.statusCode, body: await answer.body.text() };
    },
    [Symbol.asyncDispose]: async () => {
      await scope.close();
      await dispatcher.destroy();
      await parts.disposeAsync();
    },
  };
}

export function envelopeOf(operation: string): string {
  return (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>' +
    `${operation.replace(/^<(\w+)/, '<$1 xmlns="urn:imp-gateway:intercluster:1"')}</e:Body></e:Envelope>`
  );
}

const EMPTY_USER = {
  userid: '',
  firstname: 'F',
  middlename: '',
  lastname: 'L',
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
  xcp_user_id: '',
  enablecups: 1,
  islocaluser: 1,
  status: 1,
  enablecalendarpresence: 0,
  presencegroup: '',
  serviceprofile: '',
  primaryextension: '',
  tkassignmentstate: 1,
  peerclusterid: null,
  peernode: null,
  deletedat: null,
};

async function seed(test: TestIds, domain: string, nodeName: string): Promise<void> {
  await test.ids.transaction('node', async (trx) => {
    await trx
      .insertInto('enterprisesubcluster')
      .values({ id: 1, name: 'DefaultCUPSubcluster', description: '', haenabled: 0 })
      .execute();
    await trx
      .insertInto('enterprisenode')
      .values({
        id: 1,
        name: nodeName,
        address: '127.0.0.1',
        subclusterid: 1,
        isprimary: 1,
        tkhaserverstate: 0,
        hareason: '',
        version: '1',
      })
      .execute();
    await trx.insertInto('imdomain').values({ domain, isdefault: 1, isadminmanaged: 1 }).execute();
    await trx.insertInto('dirgroup').values({ pkid: 'g1', name: GROUP, deletedat: null }).execute();
    for (const name of ['peer', 'norole']) {
      await trx
        .insertInto('applicationuser')
        .values({ pkid: `a-${name}`, name, isstandard: 0, presencegroup: '', deletedat: null })
        .execute();
    }
    await trx
      .insertInto('applicationuserdirgroupmap')
      .values({ fkapplicationuser: 'a-peer', fkdirgroup: 'g1' })
      .execute();
  });
}
