/**
 * A full sync of generated users (IMP_BENCH_USERS, 20,000 unless it says otherwise) with devices and lines, beside only
 * downloading the same pages, and a second sync that finds nothing changed. Goals: at most 1.5 times the download, at
 * most 250 MiB, nothing written the second time.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startMockProcess } from '../test/support/mock-process.ts';

interface Run {
  readonly seconds: number;
  readonly rows: number;
  readonly changes: number;
  readonly rssMiB: number;
}

const users = Number(process.env.IMP_BENCH_USERS ?? 20_000);
const runner = fileURLToPath(new URL('./support/sync-run.ts', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'imp-bench-'));
const show = (title: string, run: Run): void =>
  console.log(
    `${title.padEnd(34)} ${run.seconds.toFixed(2)} s, ${Math.round(run.rows / run.seconds)} rows/s, ${run.changes} changes, ${run.rssMiB.toFixed(0)} MiB`,
  );

try {
  await using mock = await startMockProcess(['--users', String(users)]);
  const measure = (mode: string): Run => {
    const done = spawnSync(process.execPath, [runner, mode, mock.axl, mock.ca, folder], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(done.stderr);
    return JSON.parse(done.stdout) as Run;
  };
  // The first download warms the mock up.
  measure('download');
  const download = measure('download');
  const first = measure('sync');
  const second = measure('sync');
  show(`download of ${users} users`, download);
  show('first full sync', first);
  show('second full sync', second);
  console.log(`first sync ${(first.seconds / download.seconds).toFixed(2)} x the download (goal: 1.5 at most)`);
  console.log(
    `second sync ${(second.seconds / download.seconds).toFixed(2)} x the download, ${second.changes} changes`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
