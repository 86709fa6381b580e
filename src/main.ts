import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { runCli } from './cli/cli.ts';
import { boundHeapGrowth } from './platform/memory.ts';

/** Arguments → one command → exit code. The only file that touches the process. */
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
boundHeapGrowth();
const interrupted = new AbortController();
/** A terminal tells the launcher and us, and the launcher tells us again: that is one request. */
const SAME_REQUEST_MS = 500;
let askedAt = 0;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // Asked twice: the user does not want to wait for an orderly end.
    if (interrupted.signal.aborted && performance.now() - askedAt > SAME_REQUEST_MS) process.exit(1);
    if (interrupted.signal.aborted) return;
    askedAt = performance.now();
    interrupted.abort(new Error(`interrupted by ${signal}`));
  });
}
// The launcher is gone, by kill -9 perhaps: nobody could stop us any more.
process.channel?.unref();
process.on('disconnect', () => interrupted.abort(new Error('the launcher is gone')));
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
