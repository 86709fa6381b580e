import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAMS = ['redis-server', 'valkey-server'];
const PROGRAM = PROGRAMS.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);

/** Why tests of the engine are skipped: a sentence when no server is on this machine, else `false`. */
export const redisMissing: string | false =
  PROGRAM === undefined ? 'redis-server or valkey-server is not on this machine' : false;

/** A server of our own on a free port, with nothing kept. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  stop(): Promise<void>;
  /** On the same port; what it held is gone. */
  start(): Promise<void>;
}

export async function startRedis(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'imp-redis-'));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const server: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      child = spawn(
        PROGRAM ?? 'redis-server',
        ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder],
        {
          stdio: 'ignore',
        },
      );
      for (let attempt = 0; !(await answers(port)); attempt += 1) {
        if (attempt > 200 || child.exitCode !== null) throw new Error('the datastore server did not start');
      }
    },
    async stop() {
      if (!child || child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      child = undefined;
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await server.start();
  return server;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Whether the server says PONG; takes 50 ms at most to find out that it does not. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const end = (isThere: boolean) => (): void => {
      socket.destroy();
      setTimeout(() => resolve(isThere), isThere ? 0 : 25);
    };
    socket.once('data', end(true));
    socket.once('error', end(false));
  });
}
