/**
 * A page of 1,000 users, in processor time, as ratios of one run: written by the mock CUCM beside decoding it by zeep
 * with the vendor's WSDL (where python3-zeep is installed; goal: 5 times), and decoded to rows by our own client beside
 * what the bare parser takes and beside zeep.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SaxesParser } from 'saxes';
import { createRowReader } from '../src/axl/row-reader.ts';
import { endUserRow } from '../src/services/sync-agent/mapping.ts';
import { createXmlStream } from '../src/xml/parse.ts';
import { basic, envelope, PASSWORD, startMock } from '../test/mock-cucm/mock-world.ts';

const USERS = Number(process.argv[2] ?? 100_000);
const PAGE = 1_000;
const PAGES = 100;
/** All that `listUser` can tell. */
const TAGS = [
  'firstName',
  'middleName',
  'lastName',
  'emMaxLoginTime',
  'userid',
  'mailid',
  'department',
  'manager',
  'userLocale',
  'associatedPc',
  'enableCti',
  'subscribeCallingSearchSpaceName',
  'enableMobility',
  'enableMobileVoiceAccess',
  'maxDeskPickupWaitTime',
  'remoteDestinationLimit',
  'status',
  'enableEmcc',
  'patternPrecedence',
  'numericUserId',
  'mlppPassword',
  'homeCluster',
  'imAndPresenceEnable',
  'serviceProfile',
  'directoryUri',
  'telephoneNumber',
  'title',
  'mobileNumber',
  'homeNumber',
  'pagerNumber',
  'calendarPresence',
  'userIdentity',
  'customerName',
];
const INSIDE = `<searchCriteria><userid>%</userid></searchCriteria><returnedTags>${TAGS.map((tag) => `<${tag}/>`).join('')}<primaryExtension><pattern/><routePartitionName/></primaryExtension></returnedTags>`;

const ZEEP = `
import sys, time
from lxml import etree
from zeep import Client, Settings
client = Client(sys.argv[1], settings=Settings(strict=True, xml_huge_tree=True))
body = open(sys.argv[2], 'rb').read()
operation = client.service._binding.get('listUser')
best = None
for _ in range(3):
    began = time.process_time()
    envelope = etree.fromstring(body)
    found = operation.process_reply(envelope)
    took = time.process_time() - began
    best = took if best is None else min(best, took)
print(best)
`;

const began = performance.now();
await using world = await startMock({ users: USERS });
console.log(`${USERS} users generated and served after ${((performance.now() - began) / 1000).toFixed(1)} s`);
const page = (skip: number): Promise<{ status: number; body: string }> =>
  world.ask('listUser', `${INSIDE}<skip>${skip}</skip><first>${PAGE}</first>`);
const sample = (await page(0)).body;

/** Asks for pages from a process of its own, so that the mock's work can be told from its client's. */
const CLIENT = `
const { Agent, request } = require(process.argv[1]);
const { ca, url, body, users, page, pages, authorization } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const dispatcher = new Agent({ connect: { ca } });
(async () => {
  for (let at = 0; at < pages; at += 1) {
    const skip = (at * Math.floor(users / pages)) % Math.max(1, users - page);
    const answer = await request(url, { method: 'POST', dispatcher, headers: { authorization, 'content-type': 'text/xml' }, body: body.replace('SKIP', skip) });
    await answer.body.dump({ limit: Infinity });
  }
  await dispatcher.close();
})();
`;
const client = spawn(process.execPath, ['-e', CLIENT, createRequire(import.meta.url).resolve('undici')], {
  stdio: ['pipe', 'inherit', 'inherit'],
});
const before = process.cpuUsage();
client.stdin.end(
  JSON.stringify({
    ca: world.ca,
    url: `${world.base}/axl/`,
    body: envelope('listUser', `${INSIDE}<skip>SKIP</skip><first>${PAGE}</first>`),
    users: USERS,
    page: PAGE,
    pages: PAGES,
    authorization: basic('administrator', PASSWORD),
  }),
);
await once(client, 'exit');
const used = process.cpuUsage(before);
/** Processor time of the mock for a page: request, database, XML, TLS. */
const perPage = (used.user + used.system) / 1000 / PAGES;
console.log(
  `page of ${PAGE} users, all tags (${(sample.length / 1024 / 1024).toFixed(2)} MB), over HTTPS: ${perPage.toFixed(1)} ms of processor time`,
);

const ROUNDS = 20;

/** The least of some rounds: others use the machine too. */
function leastMs(task: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const from = process.cpuUsage();
    task();
    const { user, system } = process.cpuUsage(from);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** Pieces of the size in which they come from a TLS connection. */
const pieces = Array.from({ length: Math.ceil(sample.length / 16_384) }, (_, at) =>
  sample.slice(at * 16_384, (at + 1) * 16_384),
);
const bare = leastMs(() => {
  const parser = new SaxesParser({ xmlns: true, position: false });
  for (const piece of pieces) parser.write(piece);
  parser.close();
});
let rows = 0;
const ours = leastMs(() => {
  rows = 0;
  const stream = createXmlStream(
    createRowReader((row) => {
      rows += endUserRow(row, 'acme.example').userid === '' ? 0 : 1;
    }),
    { depth: 64, elements: 5_000_000, attributesPerElement: 64 },
  );
  for (const piece of pieces) stream.write(piece);
  stream.end();
});
if (rows !== PAGE) throw new Error(`${rows} rows`);
console.log(
  `decoded to rows of the IDS: ${ours.toFixed(1)} ms, ${Math.round((PAGE / ours) * 1000)} users/s; the bare parser takes ${bare.toFixed(1)} ms: ${(ours / bare).toFixed(2)} times as much`,
);

const folder = mkdtempSync(join(tmpdir(), 'imp-bench-'));
try {
  const file = join(folder, 'page.xml');
  writeFileSync(file, sample);
  const wsdl = join(dirname(createRequire(import.meta.url).resolve('cisco-axl')), 'schema', '14.0', 'AXLAPI.wsdl');
  const decoded = spawnSync('/usr/bin/python3', ['-c', ZEEP, wsdl, file], { encoding: 'utf8' });
  if (decoded.status === 0) {
    const ms = Number(decoded.stdout) * 1000;
    console.log(
      `zeep needs ${ms.toFixed(0)} ms to decode it: ${(ms / perPage).toFixed(1)} times what the mock needs to write it (goal: 5), ${(ms / ours).toFixed(1)} times what our client needs`,
    );
  } else {
    console.log('python3-zeep is not installed: no ratio');
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
