import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { type AxlClient, createAxlClient } from '../../../src/axl/client.ts';
import { createSqliteStaging } from '../../../src/ids/sqlite/sqlite-staging.ts';
import { loadFixture } from '../../../src/mock-cucm/fixture.ts';
import { createMockCucm, type MockCucm } from '../../../src/mock-cucm/mock-cucm.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import type { TlsMaterial } from '../../../src/platform/https-listener.ts';
import { createLog } from '../../../src/platform/log.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import {
  createSyncAgent,
  type SyncAgent,
  type SyncAgentOptions,
  type SyncStatus,
  syncAgentDescriptor,
} from '../../../src/services/sync-agent/sync-agent.ts';
import { SYNCED_TABLES } from '../../../src/services/sync-agent/tables.ts';
import { FakeClock, turn } from '../../support/fake-clock.ts';
import { testCertificates } from '../../support/test-certificates.ts';
import { openTestIds, type TestIds } from '../../support/test-ids.ts';

const ACME = fileURLToPath(new URL('../../../fixtures/cucm/acme.json', import.meta.url));
const log = createLog({ level: 'silent' });
export const POLL_MS = 2_000;

export interface WorldOptions {
  readonly users?: number;
  readonly agent?: Partial<SyncAgentOptions>;
  readonly isPublisher?: boolean;
  /** Extra nodes of the cluster, by id, all in one group unless it says otherwise. */
  readonly nodes?: readonly { readonly id: number; readonly subclusterid?: number; readonly state?: number }[];
  readonly headersTimeoutMs?: number;
}

/** A Sync Agent between a real mock CUCM and a real IDS. Time stands still until the test moves it. */
export interface SyncWorld extends AsyncDisposable {
  readonly test: TestIds;
  readonly clock: FakeClock;
  readonly agent: SyncAgent;
  readonly client: AxlClient;
  readonly scope: OwnedScope;
  readonly mock: MockCucm;
  readonly tls: TlsMaterial;
  /** The AXL password that the agent uses. */
  password: string;
  start(): Promise<void>;
  /** One AXL request as an administrator's script would send it; answers the body. */
  axl(operation: string, inside: string): Promise<string>;
  /** Sets faults of the mock while it runs: `{ latency: '50ms' }`. */
  fault(faults: Readonly<Record<string, string>>): Promise<void>;
  /** Until the state is one for which `judge` holds; moves time when the agent sleeps. */
  until(judge: (status: SyncStatus) => boolean): Promise<SyncStatus>;
  /** Moves time on to the next poll and waits until it is over. */
  poll(): Promise<SyncStatus>;
  stopMock(): Promise<void>;
  /** Another mock on the same port, with the same data. */
  startMock(): Promise<void>;
}

export async function createSyncWorld(options: WorldOptions = {}): Promise<SyncWorld> {
  await using stack = new AsyncDisposableStack();
  const clock = new FakeClock();
  // The feed's own timers would fire at every step of the agent's clock.
  const test = stack.use(await openTestIds());
  const { ca, tls } = await testCertificates();
  const fixture = await loadFixture(ACME);
  const makeMock = (port: number): MockCucm =>
    createMockCucm({
      dataDir: `${test.folder}/mock-cucm`,
      fixture,
      users: options.users ?? 0,
      userPrefix: 'user',
      seed: 1,
      nodes: ['imp1'],
      host: '127.0.0.1',
      port,
      tls,
      clock: systemClock,
      log,
    });
  let mock = makeMock(0);
  await mock.start();
  stack.defer(() => mock[Symbol.asyncDispose]());
  const { port } = mock;
  const base = `https://127.0.0.1:${port}`;
  const state = { password: 'Imp-demo-1' };
  const client = createAxlClient({
    url: `${base}/axl/`,
    user: 'administrator',
    password: () => state.password,
    ca,
    headersTimeoutMs: options.headersTimeoutMs ?? 20_000,
    clock: systemClock,
    log,
  });
  stack.defer(() => client[Symbol.asyncDispose]());
  await test.ids.transaction('node', async (trx) => {
    for (const { id, subclusterid = 1, state: tkhaserverstate = 0 } of options.nodes ?? [{ id: 1 }]) {
      await trx
        .insertInto('enterprisenode')
        .values({
          id,
          name: `imp${id}`,
          address: '127.0.0.1',
          subclusterid,
          isprimary: id === 1 ? 1 : 0,
          tkhaserverstate,
          hareason: '',
          version: '1',
        })
        .execute();
    }
  });
  const agent = createSyncAgent(
    {
      ids: test.ids,
      staging: createSqliteStaging(test.ids, SYNCED_TABLES),
      axl: client,
      axlUser: 'administrator',
      clock,
      log,
      metrics: test.metrics,
      alarms: test.alarms,
      node: { name: 'imp1', address: '127.0.0.1', isPublisher: options.isPublisher ?? true },
      domain: 'acme.example',
    },
    syncAgentDescriptor.options.parse({ pollIntervalSeconds: POLL_MS / 1000, ...options.agent }),
  );
  const scope = createScope(clock, (error) => {
    throw error;
  });
  const dispatcher = new Agent({ connect: { ca } });
  const parts = stack.move();
  const authorization = `Basic ${Buffer.from('administrator:Imp-demo-1').toString('base64')}`;

  const until: SyncWorld['until'] = async (judge) => {
    const deadline = performance.now() + 20_000;
    while (!judge(agent.status())) {
      if (performance.now() > deadline) throw new Error(`it stays ${JSON.stringify(agent.status())}`);
      await turn();
      // An agent that sleeps wants time to pass; one that waits for CUCM does not mind.
      if (clock.pending > 0) await clock.advance(100);
    }
    return agent.status();
  };

  return {
    get password() {
      return state.password;
    },
    set password(password) {
      state.password = password;
    },
    test,
    clock,
    agent,
    client,
    scope,
    get mock() {
      return mock;
    },
    tls,
    start: () => agent.start(scope),
    async axl(operation: string, inside: string) {
      const answer = await request(`${base}/axl/`, {
        method: 'POST',
        dispatcher,
        headers: {
          authorization,
          'content-type': 'text/xml; charset=utf-8',
          soapaction: `"CUCM:DB ver=14.0 ${operation}"`,
        },
        body:
          '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="http://www.cisco.com/AXL/API/14.0">' +
          `<soapenv:Body><ns:${operation}>${inside}</ns:${operation}></soapenv:Body></soapenv:Envelope>`,
      });
      const body = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${operation}: HTTP ${answer.statusCode} ${body}`);
      return body;
    },
    async fault(faults: Readonly<Record<string, string>>) {
      const answer = await request(`${base}/faults`, {
        method: 'POST',
        dispatcher,
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify(faults),
      });
      const body = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`/faults: HTTP ${answer.statusCode} ${body}`);
    },
    until,
    async poll() {
      let polls = 0;
      using _watch = agent.onChange(() => {
        polls += 1;
      });
      await clock.advance(POLL_MS);
      return await until(() => polls > 0);
    },
    async stopMock() {
      await mock[Symbol.asyncDispose]();
    },
    async startMock() {
      mock = makeMock(port);
      await mock.start();
    },
    [Symbol.asyncDispose]: async () => {
      await scope.close();
      await dispatcher.destroy();
      await parts.disposeAsync();
    },
  };
}
