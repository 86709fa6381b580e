/**
 * One run of the Sync Agent's reading, in a process of its own so that its memory is its own: `download` reads the same
 * pages and drops them, `sync` is a full sync into an IDS. Prints one JSON line.
 */
import { readFile } from 'node:fs/promises';
import { createAxlClient } from '../../src/axl/client.ts';
import { openSqliteIds } from '../../src/ids/sqlite/sqlite-ids.ts';
import { createSqliteStaging } from '../../src/ids/sqlite/sqlite-staging.ts';
import type { Staging } from '../../src/ids/staging.ts';
import { createAlarms } from '../../src/platform/alarms.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { boundYoungGeneration } from '../../src/platform/memory.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { createAxlReader } from '../../src/services/sync-agent/axl-reader.ts';
import { runFullSync } from '../../src/services/sync-agent/full-sync.ts';
import { STAGES } from '../../src/services/sync-agent/stages.ts';
import { SYNCED_TABLES } from '../../src/services/sync-agent/tables.ts';

boundYoungGeneration();
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

let peak = 0;
const watch = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 20);
const began = performance.now();
let rows = 0;
let changes = 0;
if (mode === 'download') {
  const nowhere = {
    async put(_table: unknown, some: readonly unknown[]) {
      rows += some.length;
    },
  } as unknown as Staging;
  for (const stage of STAGES) {
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
      progress: () => undefined,
    },
    false,
  );
  rows = result.users + result.devices + result.lines;
  changes = result.inserted + result.updated + result.deleted;
}
clearInterval(watch);
console.log(
  JSON.stringify({
    seconds: (performance.now() - began) / 1000,
    rows,
    changes,
    rssMiB: Math.max(peak, process.memoryUsage.rss()) / 2 ** 20,
  }),
);
