/**
 * Runs the test suite (`--faults`: the long kill and soak runs; file names: only those). Fails when nothing ran, since
 * `node --test` exits 0 on a pattern that matches no file. Names each skipped test, which is a real client that is not
 * on the machine; with IMP_TEST_NO_SKIPS=1 a skip is a failure.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';

const isFaults = process.argv.includes('--faults');
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const files = named.length > 0 ? named : globSync(isFaults ? 'test/**/*.faults.ts' : 'test/**/*.test.ts').sort();

if (files.length === 0) {
  process.stderr.write('no test files found\n');
  process.exitCode = 1;
} else {
  const child = spawn(process.execPath, ['--test', '--test-reporter=spec', ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, FORCE_COLOR: process.stdout.isTTY ? '1' : '0' },
  });
  let said = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => {
    said += chunk;
    process.stdout.write(chunk);
  });
  child.on('close', (code) => {
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
    process.stdout.write(`\n${count('pass')} passed, ${count('fail')} failed, ${count('skipped')} skipped\n`);
  });
}
