/**
 * The mock CUCM against its reader: a page of 1,000 users, written by the mock and decoded by zeep with the vendor's WSDL
 * (where python3-zeep is installed). Ratios of one run.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startMock } from '../test/mock-cucm/mock-world.ts';

const USERS = Number(process.argv[2] ?? 100_000);
const PAGE = 1_000;
const PAGES = 30;
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
    began = time.perf_counter()
    envelope = etree.fromstring(body)
    found = operation.process_reply(envelope)
    took = time.perf_counter() - began
    best = took if best is None else min(best, took)
print(best)
`;

const began = performance.now();
await using world = await startMock({ users: USERS });
console.log(`${USERS} users generated and served after ${((performance.now() - began) / 1000).toFixed(1)} s`);
const page = (skip: number): Promise<{ status: number; body: string }> =>
  world.ask('listUser', `${INSIDE}<skip>${skip}</skip><first>${PAGE}</first>`);
const sample = (await page(0)).body;
const times: number[] = [];
for (let at = 0; at < PAGES; at += 1) {
  const from = performance.now();
  await page((at * Math.floor(USERS / PAGES)) % Math.max(1, USERS - PAGE));
  times.push(performance.now() - from);
}
times.sort((a, b) => a - b);
const median = times[Math.floor(times.length / 2)] as number;
console.log(
  `page of ${PAGE} users, all tags (${(sample.length / 1024 / 1024).toFixed(2)} MB), over HTTPS: ${median.toFixed(1)} ms, ${Math.round((PAGE / median) * 1000)} users/s`,
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
      `zeep decodes the same page in ${ms.toFixed(0)} ms: the mock is ${(ms / median).toFixed(1)} times as fast (goal 5)`,
    );
  } else {
    console.log('python3-zeep is not installed: no ratio');
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
