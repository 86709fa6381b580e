/**
 * One side of a sync between clusters, in a process of its own: `serve` holds generated users and answers until it is
 * ended; `download` reads all their pages and drops them; `sync` stores them, and once more compares them, finding nothing
 * changed. Prints a JSON line.
 */
import { randomUUID } from 'node:crypto';
import { createChangeFeed } from '../../src/ids/change-feed/create-change-feed.ts';
import { withLateCheckpoint } from '../../src/ids/sqlite/checkpoint.ts';
import { createSqliteFeedStore } from '../../src/ids/sqlite/sqlite-feed-store.ts';
import { openSqliteIds } from '../../src/ids/sqlite/sqlite-ids.ts';
import { createAlarms } from '../../src/platform/alarms.ts';
import { systemClock as clock } from '../../src/platform/clock.ts';
import { createHttpsListener } from '../../src/platform/https-listener.ts';
import { createLog } from '../../src/platform/log.ts';
import { boundHeapGrowth } from '../../src/platform/memory.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { optionsSchema } from '../../src/services/intercluster-sync-agent/options.ts';
import { syncPeer } from '../../src/services/intercluster-sync-agent/peers/sync-peer.ts';
import { createPeerClient } from '../../src/services/intercluster-sync-agent/reading/peer-client.ts';
import { exchange } from '../../src/services/intercluster-sync-agent/serving/exchange.ts';
import { createOwnUsers } from '../../src/services/intercluster-sync-agent/serving/own-users.ts';
import { testCertificates } from '../../test/support/test-certificates.ts';

interface Timed {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

boundHeapGrowth();
const [mode = '', folder = '', argument = '', ca = ''] = process.argv.slice(2);
const log = createLog({ level: 'silent' });
const metrics = createMetrics();
const options = optionsSchema.parse({});
const ids = await openSqliteIds({ file: `${folder}/ids.db`, stagingFile: `${folder}/staging.db`, log, metrics });
const print = (value: object): void => console.log(JSON.stringify(value));

if (mode === 'serve') await serve(Number(argument));
else {
  const client = createPeerClient({
    ...{ url: argument, user: 'peer', password: 'x', ca: Buffer.from(ca, 'base64').toString() },
    ...{ silenceMs: 30_000, callMs: 60_000, clock },
  });
  const { signal } = new AbortController();
  const timed = async (task: () => Promise<unknown>): Promise<Timed> => {
    const began = performance.now();
    const before = process.cpuUsage();
    await task();
    const { user, system } = process.cpuUsage(before);
    return { seconds: (performance.now() - began) / 1000, cpuSeconds: (user + system) / 1e6 };
  };
  if (mode === 'download') {
    const download = await timed(async () => {
      for (let after: string | null = ''; after !== null; ) {
        after = (await client.listUsers(after, options.pageRows, signal)).next;
      }
    });
    print({ download, rssMiB: process.resourceUsage().maxRSS / 1024 });
  } else await sync(client, signal, timed);
  await client[Symbol.asyncDispose]();
  await ids[Symbol.asyncDispose]();
}

async function sync(
  client: ReturnType<typeof createPeerClient>,
  signal: AbortSignal,
  timed: (task: () => Promise<unknown>) => Promise<Timed>,
): Promise<void> {
  await ids.transaction('administrator', async (trx) => {
    const said = { clusterid: '', name: '', version: '', firstseenat: null, addedat: 0 };
    const access = { axluser: 'peer', sealedpassword: '', ca: '', siptransport: '' as const };
    await trx
      .insertInto('interclusterpeer')
      .values({ id: 1, url: argument, ...access, ...said })
      .execute();
    await trx
      .insertInto('interclusterpeerstatus')
      .values({ peerid: 1, clusterid: '', sequence: null, users: 0, lastgoodat: null, fullcompareat: null })
      .execute();
  });
  const run = async (): Promise<void> => {
    const peer = await ids.read.selectFrom('interclusterpeer').selectAll().executeTakeFirstOrThrow();
    await syncPeer(
      {
        ...{ ids, client, clock, log, options },
        self: { clusterId: 'own', domain: async () => 'acme.example' },
        atLength: (transaction) => withLateCheckpoint(ids, transaction),
        pause: () => new Promise((resolve) => setImmediate(resolve)),
        progress: () => undefined,
        onSettled: async () => undefined,
      },
      peer,
      { isDelta: false, isFull: true, acceptDeletions: false },
      signal,
    );
  };
  const changes = async (): Promise<number> =>
    (
      await ids.read
        .selectFrom('change_log')
        .select(({ fn }) => fn.max<number | null>('seq').as('seq'))
        .executeTakeFirst()
    )?.seq ?? 0;
  const first = await timed(run);
  const before = await changes();
  const second = await timed(run);
  const { users } = await ids.read
    .selectFrom('enduser')
    .select(({ fn }) => fn.countAll<number>().as('users'))
    .executeTakeFirstOrThrow();
  print({
    ...{ first, second, users: Number(users), written: before, rewritten: (await changes()) - before },
    rssMiB: process.resourceUsage().maxRSS / 1024,
  });
}

async function serve(count: number): Promise<void> {
  const { ca: authority, tls } = await testCertificates();
  const changeFeed = createChangeFeed({
    ...{ store: createSqliteFeedStore(ids), clock, log, metrics, alarms: createAlarms(clock, log) },
  });
  await ids.transaction('cucm', async (trx) => {
    for (let from = 0; from < count; from += 200) {
      const rows = Array.from({ length: Math.min(200, count - from) }, (_, place) => userRow(from + place));
      await trx.insertInto('enduser').values(rows).execute();
    }
  });
  const needs = {
    ids,
    users: createOwnUsers(ids, changeFeed),
    sequence: () => changeFeed.lastSeq(),
    self: {
      ...{ clusterId: 'served', nodeName: 'imp1', domain: 'acme.example', version: '1' },
      ports: () => ({ https: 0, sip: 0, sipTls: 0, router: 0 }),
      certificates: () => ({ authority, node: tls.cert }),
    },
    isReady: () => true,
    onNotified: () => undefined,
  };
  const listener = createHttpsListener('https', tls, log);
  listener.mount('/', (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      void exchange(needs, body, log).then((answer) => {
        response.writeHead(answer.status, { 'content-type': 'text/xml; charset=utf-8' }).end(answer.body);
      });
    });
  });
  await listener.listen('127.0.0.1', 0);
  print({ url: `https://127.0.0.1:${listener.port}/intercluster/soap`, ca: Buffer.from(authority).toString('base64') });
}

function userRow(number: number) {
  const userid = `user${String(number).padStart(6, '0')}`;
  const empty = { middlename: '', manager: '', homenumber: '', pagernumber: '', userlocale: '', presencegroup: '' };
  return {
    ...{
      pkid: randomUUID(),
      userid,
      firstname: 'First',
      lastname: `Last${number}`,
      displayname: `First Last${number}`,
    },
    ...{ mailid: `${userid}@acme.example`, department: 'Engineering', title: 'Engineer', telephonenumber: `${number}` },
    ...{ mobilenumber: '', directoryuri: `${userid}@acme.example`, imaddress: `${userid}@acme.example` },
    ...{ xcp_user_id: userid, enablecups: 1, islocaluser: 1, status: 1, enablecalendarpresence: 0, serviceprofile: '' },
    ...{ primaryextension: '', primarynodeid: null, tkassignmentstate: 0, peerclusterid: null, peernode: null },
    ...{ deletedat: null, ...empty },
  };
}
