/**
 * A full sync of generated users (IMP_BENCH_USERS, 20,000 unless it says otherwise) with devices and lines, beside only
 * downloading the same pages by the same reader, and a second sync that finds nothing changed. Medians of some rounds
 * (IMP_BENCH_ROUNDS, 3), each of which holds all three. Goals: at most 1.5 times the download, at most 250 MB, nothing
 * written the second time.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startMockProcess } from '../test/support/mock-process.ts';

interface Run {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly rows: number;
  readonly changes: number;
  readonly rssMiB: number;
}

const users = Number(process.env.IMP_BENCH_USERS ?? 20_000);
const rounds = Number(process.env.IMP_BENCH_ROUNDS ?? 3);
const runner = fileURLToPath(new URL('./support/sync-run.ts', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'imp-bench-'));
// As the launcher does: source that was stripped and compiled once is not held in memory by those who come after.
const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') };

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const most = (runs: readonly Run[]): number => Math.max(...runs.map((run) => (run.rssMiB * 2 ** 20) / 1e6));
const show = (title: string, runs: readonly Run[]): void =>
  console.log(
    `${title.padEnd(30)} ${median(runs.map((run) => run.seconds)).toFixed(2)} s, ` +
      `${median(runs.map((run) => run.cpuSeconds)).toFixed(2)} s of processor time, ` +
      `${runs[0]?.changes} changes, at most ${most(runs).toFixed(0)} MB`,
  );

try {
  await using mock = await startMockProcess(['--users', String(users)]);
  const measure = (mode: string, data = ''): Run => {
    const done = spawnSync(process.execPath, [runner, mode, mock.axl, mock.ca, data], { encoding: 'utf8', env });
    if (done.status !== 0) throw new Error(done.stderr);
    return JSON.parse(done.stdout) as Run;
  };
  // The first download warms the mock up.
  measure('download');
  const runs: { readonly download: Run; readonly first: Run; readonly second: Run }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const data = await mkdtemp(join(folder, 'data-'));
    runs.push({ download: measure('download'), first: measure('sync', data), second: measure('sync', data) });
    await rm(data, { recursive: true, force: true });
  }
  show(
    `download of ${users} users`,
    runs.map((run) => run.download),
  );
  for (const which of ['first', 'second'] as const) {
    show(
      `${which} full sync`,
      runs.map((run) => run[which]),
    );
    const times = median(runs.map((run) => run[which].seconds / run.download.seconds));
    const cpu = median(runs.map((run) => run[which].cpuSeconds / run.download.cpuSeconds));
    console.log(
      `  ${times.toFixed(2)} x the download (goal: 1.5 at most), ${cpu.toFixed(2)} x its processor time, load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
