/**
 * Users of a peer cluster (IMP_BENCH_USERS, 75,000 unless it says otherwise) synced for the first time and compared once
 * more, beside only downloading the same pages with the same client. Medians of some rounds (IMP_BENCH_ROUNDS, 3).
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

interface Timed {
  readonly seconds: number;
  readonly cpuSeconds: number;
}
interface Download {
  readonly download: Timed;
}
interface Sync {
  readonly first: Timed;
  readonly second: Timed;
  readonly users: number;
  readonly written: number;
  readonly rewritten: number;
  readonly rssMiB: number;
}

const users = Number(process.env.IMP_BENCH_USERS ?? 75_000);
const rounds = Number(process.env.IMP_BENCH_ROUNDS ?? 3);
const runner = fileURLToPath(new URL('./support/intercluster-run.ts', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'imp-bench-'));
const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') };
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const megabytes = (mebibytes: number): string => ((mebibytes * 2 ** 20) / 1e6).toFixed(0);

const server = spawn(process.execPath, [runner, 'serve', await mkdtemp(join(folder, 'serve-')), String(users)], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env,
});
try {
  const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
  const { url, ca } = JSON.parse(line) as { readonly url: string; readonly ca: string };
  const measure = async <Result>(mode: string): Promise<Result> => {
    const data = await mkdtemp(join(folder, `${mode}-`));
    const done = spawnSync(process.execPath, [runner, mode, data, url, ca], { encoding: 'utf8', env });
    await rm(data, { recursive: true, force: true });
    if (done.status !== 0) throw new Error(done.stderr);
    return JSON.parse(done.stdout) as Result;
  };
  await measure('download');
  const runs: { readonly download: Download; readonly sync: Sync }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    runs.push({ download: await measure<Download>('download'), sync: await measure<Sync>('sync') });
  }
  const of = (pick: (run: (typeof runs)[number]) => number): number => median(runs.map(pick));
  const show = (title: string, pick: (run: (typeof runs)[number]) => Timed, more: string): void =>
    console.log(
      `${title.padEnd(26)} ${of((run) => pick(run).seconds).toFixed(2)} s, ` +
        `${of((run) => pick(run).cpuSeconds).toFixed(2)} s of processor time${more}`,
    );
  show(`download of ${users} users`, ({ download }) => download.download, '');
  for (const which of ['first', 'second'] as const) {
    const times = of(({ sync, download }) => sync[which].seconds / download.download.seconds);
    const written = runs[0]?.sync[which === 'first' ? 'written' : 'rewritten'];
    show(
      `${which} comparison`,
      ({ sync }) => sync[which],
      `, ${times.toFixed(2)} x the download, ${written} changes written, load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
  console.log(`most memory                ${megabytes(Math.max(...runs.map(({ sync }) => sync.rssMiB)))} MB`);
} finally {
  server.kill();
  await rm(folder, { recursive: true, force: true });
}
