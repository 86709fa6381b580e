/** Runs the test suite and fails when nothing ran: `node --test` exits 0 on a pattern that matches no file. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';

const isFaults = process.argv.includes('--faults');
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const files = named.length > 0 ? named : globSync(isFaults ? 'test/**/*.faults.ts' : 'test/**/*.test.ts').sort();
if (files.length === 0) {
  process.stderr.write('no test files found\n');
  process.exitCode = 1;
} else {
  const run = spawnSync(process.execPath, ['--test', '--test-reporter=spec', ...files], { stdio: 'inherit' });
  process.exitCode = run.status ?? 1;
}
