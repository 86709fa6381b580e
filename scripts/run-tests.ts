/**
 * Runs the test suite (`--faults`: the long kill and soak runs; file names: only those). Fails when nothing ran, since
 * `node --test` exits 0 on a pattern that matches no file. Names each skipped test, which is a real client that is not
 * on the machine; with IMP_TEST_NO_SKIPS=1 a skip is a failure. A test that waits for what never comes fails after five
 * minutes by itself; a file that says nothing for ten is ended, with everything else, so that no machine waits for it.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';

const isFaults = process.argv.includes('--faults');
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const files = named.length > 0 ? named : globSync(isFaults ? 'test/**/*.faults.ts' : 'test/**/*.test.ts').sort();

const TEST_TIMEOUT_MS = isFaults ? 30 * 60_000 : 5 * 60_000;
const SILENCE_MS = 2 * TEST_TIMEOUT_MS;

if (files.length === 0) {
  process.stderr.write('no test files found\n');
  process.exitCode = 1;
} else {
  const flags = ['--test', '--test-reporter=spec', `--test-timeout=${TEST_TIMEOUT_MS}`];
  // A group of its own, so that a file that hangs can be ended with all that it started.
  const child = spawn(process.execPath, [...flags, ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, FORCE_COLOR: process.stdout.isTTY ? '1' : '0' },
    detached: true,
  });
  const endAll = (signal: NodeJS.Signals): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => endAll(signal));
  const silence = setTimeout(() => {
    process.stderr.write(
      `no test has ended for ${SILENCE_MS / 60_000} minutes: the file after the last line above hangs\n`,
    );
    endAll('SIGKILL');
  }, SILENCE_MS);
  let said = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    said += chunk;
    silence.refresh();
    process.stdout.write(chunk);
  });
  child.on('close', (code) => {
    clearTimeout(silence);
    const count = (name: string): number => Number(new RegExp(`ℹ ${name} (\\d+)`).exec(said)?.[1] ?? 0);
    const skips = said.split('\n').filter((line) => line.includes('# ') && line.includes('﹣'));
    if (skips.length > 0) process.stdout.write(`\nskipped:\n${skips.map((line) => `  ${line.trim()}`).join('\n')}\n`);
    process.exitCode = code ?? 1;
    if (count('tests') === 0) {
      process.stderr.write('no test ran\n');
      process.exitCode = 1;
    }
    if (process.env.IMP_TEST_NO_SKIPS === '1' && count('skipped') > 0) {
      process.stderr.write(`${count('skipped')} tests were skipped, and none may be here\n`);
      process.exitCode = 1;
    }
    const failed = count('fail') + count('cancelled');
    process.stdout.write(`\n${count('pass')} passed, ${failed} failed, ${count('skipped')} skipped\n`);
  });
}
