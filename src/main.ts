import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { runCli } from './cli/cli.ts';
import { boundYoungGeneration } from './platform/memory.ts';

/** Arguments → one command → exit code. The only file that touches the process. */
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
boundYoungGeneration();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Asked twice: the user does not want to wait for an orderly end.
    if (interrupted.signal.aborted) process.exit(1);
    interrupted.abort(new Error(`interrupted by ${signal}`));
  });
}
// `imp … | head` ends quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await runCli(process.argv.slice(2), version, {
  env: process.env,
  cwd: process.cwd(),
  pid: process.pid,
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  status: process.stdout.isTTY ? (line) => void process.stdout.write(`\r\u001b[2K${line}`) : undefined,
  isErrorTerminal: process.stderr.isTTY === true,
  readInput: () => text(process.stdin),
  interrupted: interrupted.signal,
});
