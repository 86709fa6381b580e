import forge from 'node-forge';
import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import type { Database } from '../../../src/ids/database.ts';
import { issueCertificate } from '../../../src/platform/certificates.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import type { TlsMaterial } from '../../../src/platform/https-listener.ts';
import { createLog } from '../../../src/platform/log.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import type { Service } from '../../../src/platform/service.ts';
import {
  createPresenceDatastore,
  type PresenceDatastore,
  presenceDatastoreDescriptor,
} from '../../../src/services/presence-datastore/presence-datastore.ts';
import {
  createRouteDatastore,
  type RouteDatastore,
  routeDatastoreDescriptor,
} from '../../../src/services/route-datastore/route-datastore.ts';
import {
  createXcpRouter,
  type XcpRouter,
  type XcpRouterOptions,
  xcpRouterDescriptor,
} from '../../../src/services/xcp-router/xcp-router.ts';
import type { XmlElement } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import {
  addressed,
  type Jid,
  parseJid,
  readStreamManagement,
  type ServerStream,
  type StreamError,
  stanzaKindOf,
} from '../../../src/xmpp/xmpp.ts';
import { FakeClock, turn } from '../../support/fake-clock.ts';
import { openTestIds, type TestIds } from '../../support/test-ids.ts';
import { userRow } from '../client-profile-agent/cpa-parts.ts';

export const DOMAIN = 'acme.example';
export const USERS = ['alice', 'bob', 'carol', 'dave'] as const;

/** A client at the router's seam: the stream is played, everything behind it is real. */
export class TestClient {
  readonly received: XmlElement[] = [];
  jid: Jid;
  isOpen = false;
  /** Why we were let go; undefined when without a reason, or not at all. */
  ended: StreamError | undefined;
  holds = 0;
  resumeId = '';
  readonly #router: XcpRouter;
  readonly stream: ServerStream;

  constructor(router: XcpRouter, jid: Jid) {
    this.#router = router;
    this.jid = jid;
    const client = this;
    this.stream = {
      transport: {} as ServerStream['transport'],
      isSecure: true,
      domain: jid.domain,
      get user() {
        return client.jid;
      },
      get jid() {
        return client.jid;
      },
      send(element) {
        if (!client.isOpen) return false;
        client.received.push(element);
        if (element.local === 'enabled') {
          client.resumeId = element.attributes.find(({ local }) => local === 'id')?.value ?? '';
        }
        return true;
      },
      pause() {
        client.holds += 1;
      },
      resume() {
        client.holds -= 1;
      },
      end(error) {
        if (!client.isOpen) return;
        client.ended = error;
        client.close(error === undefined);
      },
    };
  }

  async connect(): Promise<void> {
    const { bare, resource } = this.jid;
    this.jid = await this.#router.clients.bind(parseJid(bare), resource, this.stream);
    this.isOpen = true;
    this.#router.clients.established(this.jid, false, this.stream);
  }

  /** Takes another client's session over; answers what the router has handled. */
  async resume(previous: TestClient, handled: number): Promise<number> {
    const resume = this.#router.clients.resume;
    if (resume === undefined) throw new Error('resumption is not offered');
    const session = { id: previous.resumeId, handled };
    const done = await resume(parseJid(this.jid.bare), session, this.stream);
    this.jid = done.jid;
    this.resumeId = previous.resumeId;
    this.isOpen = true;
    this.#router.clients.established(done.jid, true, this.stream);
    return done.handled;
  }

  /** As the server's stream hands it on: with the sender's address. */
  send(xml: string): void {
    const element = parseXml(xml);
    const managed = readStreamManagement(element);
    if (managed !== undefined) this.#router.clients.management(managed, this.stream);
    else if (stanzaKindOf(element) === undefined) throw new Error(`not a stanza: ${xml}`);
    else this.#router.clients.stanza(addressed(element, { from: this.jid }), this.stream);
  }

  close(isOrderly = true): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#router.clients.closed({ isOrderly, error: this.ended ?? null }, this.stream);
  }
}

export interface RouterWorld extends AsyncDisposable {
  readonly test: TestIds;
  readonly clock: FakeClock;
  readonly router: XcpRouter & Service;
  readonly routeDatastore: RouteDatastore & Service;
  readonly presenceDatastore: PresenceDatastore & Service;
  readonly failures: unknown[];
  client(address: string): TestClient;
  /** Everything sent, and everything committed, has been handled. */
  settle(): Promise<void>;
  write(
    change: (database: Parameters<Parameters<TestIds['ids']['transaction']>[1]>[0]) => Promise<unknown>,
  ): Promise<void>;
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export function pkidOf(userid: string): string {
  return userRow({ userid }).pkid;
}

/** One authority with a certificate of the node `imp1`: keys take their time. */
export async function nodeCertificate(): Promise<{ readonly node: TlsMaterial; readonly ca: string }> {
  const ca = await issueCertificate({ names: [], clock: systemClock, days: 1 });
  const issuer = { key: forge.pki.privateKeyFromPem(ca.key), certificate: forge.pki.certificateFromPem(ca.cert) };
  const node = await issueCertificate({ names: ['imp1', 'localhost'], issuer, clock: systemClock, days: 1 });
  return { node, ca: ca.cert };
}

let certificateOnce: ReturnType<typeof nodeCertificate> | undefined;

export interface RouterWorldParts {
  readonly users?: readonly string[];
  readonly certificate?: Awaited<ReturnType<typeof nodeCertificate>>;
  readonly clock?: FakeClock;
}

export async function openRouterWorld(
  options: Partial<XcpRouterOptions> = {},
  parts: RouterWorldParts = {},
): Promise<RouterWorld> {
  certificateOnce ??= nodeCertificate();
  const certificate = parts.certificate ?? (await certificateOnce);
  const log = createLog({ level: 'silent' });
  const clock = parts.clock ?? new FakeClock();
  const test = await openTestIds();
  const { ids, changeFeed, metrics, alarms } = test;
  await ids.transaction('cucm', async (trx) => {
    const node = { subclusterid: 1, tkhaserverstate: 0, hareason: '', version: '1' };
    await trx
      .insertInto('enterprisenode')
      .values([
        { ...node, id: 1, name: 'imp1', address: 'imp1.acme.example', isprimary: 1 },
        { ...node, id: 2, name: 'imp2', address: 'imp2.acme.example', isprimary: 0 },
      ])
      .execute();
    await trx.insertInto('imdomain').values({ domain: DOMAIN, isdefault: 1, isadminmanaged: 1 }).execute();
    const rows: Database['enduser'][] = (parts.users ?? USERS).map((userid) => userRow({ userid, primarynodeid: 1 }));
    await trx.insertInto('enduser').values(rows).execute();
  });
  const engine = createMemoryEngine({ clock, log, metrics });
  const routeDatastore = createRouteDatastore(
    { engine, ids, changeFeed, log, nodeName: 'imp1' },
    routeDatastoreDescriptor.options.parse({}),
  );
  const presenceDatastore = createPresenceDatastore({ engine, log }, presenceDatastoreDescriptor.options.parse({}));
  const links = { nodeName: 'imp1', host: '127.0.0.1', port: 0, tls: () => certificate };
  const router = createXcpRouter(
    ...([
      {
        ids,
        changeFeed,
        routeDatastore,
        presenceDatastore,
        clock,
        log,
        metrics,
        alarms,
        domain: DOMAIN,
        version: '1',
        links,
      },
      xcpRouterDescriptor.options.parse(options),
    ] as const),
  );
  const failures: unknown[] = [];
  const scopes: OwnedScope[] = [];
  const startOne = async (service: Service): Promise<OwnedScope> => {
    const scope = createScope(clock, (error) => failures.push(error));
    await service.start(scope);
    return scope;
  };
  for (const service of [routeDatastore, presenceDatastore]) scopes.push(await startOne(service));
  let own: OwnedScope | undefined = await startOne(router);
  const clients: TestClient[] = [];

  const world: RouterWorld = {
    ...{ test, clock, router, routeDatastore, presenceDatastore, failures },
    client(address) {
      const client = new TestClient(router, parseJid(address));
      clients.push(client);
      return client;
    },
    async settle() {
      for (let round = 0; round < 3; round += 1) {
        for (let turns = 0; turns < 10; turns += 1) await turn();
        await changeFeed.settled();
      }
      for (let turns = 0; turns < 10; turns += 1) await turn();
    },
    async write(change) {
      await ids.transaction('client', async (trx) => void (await change(trx)));
      await world.settle();
    },
    async metric(name) {
      const line = (await metrics.render()).split('\n').find((each) => each.startsWith(`${name}`));
      return Number(line?.split(' ').at(-1) ?? Number.NaN);
    },
    async stop() {
      await own?.close();
      own = undefined;
    },
    async start() {
      own = await startOne(router);
    },
    async [Symbol.asyncDispose]() {
      await world.stop();
      for (const scope of scopes.reverse()) await scope.close();
      await engine[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
    },
  };
  return world;
}
