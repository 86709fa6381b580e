/**
 * One run of the Sync Agent's reading, in a process of its own so that its memory is its own: `download` reads the same
 * pages and drops them, `sync` is a full sync into an IDS. Prints one JSON line, with what each stage took and the most
 * memory that the process held in it.
 */
import { readFile } from 'node:fs/promises';
import { createAxlClient } from '../../src/axl/client.ts';
import { openSqliteIds } from '../../src/ids/sqlite/sqlite-ids.ts';
import { createSqliteStaging } from '../../src/ids/sqlite/sqlite-staging.ts';
import type { Staging } from '../../src/ids/staging.ts';
import { createAlarms } from '../../src/platform/alarms.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { boundHeapGrowth } from '../../src/platform/memory.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { createAxlReader } from '../../src/services/sync-agent/axl-reader.ts';
import { runFullSync } from '../../src/services/sync-agent/full-sync.ts';
import { STAGES } from '../../src/services/sync-agent/stages.ts';
import { SYNCED_TABLES } from '../../src/services/sync-agent/tables.ts';

boundHeapGrowth();
const [mode, url = '', caFile = '', folder = ''] = process.argv.slice(2);
const clock = systemClock;
const log = createLog({ level: 'silent' });
const metrics = createMetrics();
await using axl = createAxlClient({
  url,
  user: 'administrator',
  password: () => 'Imp-demo-1',
  ca: await readFile(caFile, 'utf8'),
  clock,
  log,
});
const reader = createAxlReader({
  axl,
  clock,
  log,
  signal: new AbortController().signal,
  pageRows: 1_000,
  sqlPageRows: 5_000,
});

interface StageRun {
  readonly name: string;
  readonly at: number;
  readonly cpu: number;
  rss: number;
}
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const stages: StageRun[] = [];
const enter = (name: string): void => {
  if (stages.at(-1)?.name === name) return;
  stages.push({ name, at: performance.now(), cpu: cpuSeconds(), rss: process.memoryUsage.rss() });
};
const watch = setInterval(() => {
  const stage = stages.at(-1);
  if (stage) stage.rss = Math.max(stage.rss, process.memoryUsage.rss());
}, 20);
const began = performance.now();
const cpuBefore = cpuSeconds();
let rows = 0;
let changes = 0;
if (mode === 'download') {
  const nowhere = {
    async put(_table: unknown, some: readonly unknown[]) {
      rows += some.length;
    },
  } as unknown as Staging;
  for (const stage of STAGES) {
    enter(stage.name);
    await stage.read({ reader, staging: nowhere, domain: 'acme.example', progress: () => undefined });
  }
} else {
  await using ids = await openSqliteIds({
    file: `${folder}/ids.db`,
    stagingFile: `${folder}/staging.db`,
    log,
    metrics,
  });
  const result = await runFullSync(
    {
      ids,
      staging: createSqliteStaging(ids, SYNCED_TABLES),
      axl,
      reader,
      domain: 'acme.example',
      ownNames: ['imp1'],
      clock,
      log,
      alarms: createAlarms(clock, log),
      progress: enter,
    },
    false,
  );
  enter('closing');
  rows = result.users + result.devices + result.lines;
  changes = result.inserted + result.updated + result.deleted;
}
clearInterval(watch);
enter('end');
console.log(
  JSON.stringify({
    seconds: (performance.now() - began) / 1000,
    cpuSeconds: cpuSeconds() - cpuBefore,
    rows,
    changes,
    // What the operating system saw, which no sampling misses.
    rssMiB: process.resourceUsage().maxRSS / 1024,
    stages: stages.slice(0, -1).map((stage, at) => ({
      name: stage.name,
      seconds: ((stages[at + 1]?.at ?? 0) - stage.at) / 1000,
      cpuSeconds: (stages[at + 1]?.cpu ?? 0) - stage.cpu,
      rssMiB: stage.rss / 2 ** 20,
    })),
  }),
);
