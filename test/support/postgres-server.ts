import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';

const VERSIONS = '/usr/lib/postgresql';
const folderOf = (): string | undefined => {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(VERSIONS, version, 'bin')).find((bin) => existsSync(join(bin, 'postgres')));
};
const BIN = folderOf();
/** The server refuses to run as root. */
const AS_POSTGRES =
  process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];

/** Why tests of the engine are skipped: a sentence when no server is on this machine, else `false`. */
export const postgresMissing: string | false = BIN === undefined ? 'PostgreSQL is not on this machine' : false;

/** A server of our own on a free port, ready for logical replication. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  /** An empty database; answers its URL. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

function command(program: string, args: readonly string[]): readonly [string, readonly string[]] {
  const [first, ...rest] = [...AS_POSTGRES, join(BIN ?? '', program), ...args];
  return [first ?? program, rest];
}

export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'imp-postgres-'));
  chmodSync(folder, 0o777);
  const data = join(folder, 'data');
  const port = await freePort();
  const made = spawnSync(
    ...command('initdb', ['-D', data, '-U', 'imp', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N']),
    {
      encoding: 'utf8',
      cwd: '/',
    },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  let child: ChildProcess | undefined;
  const urlOf = (database: string): string => `postgres://imp@127.0.0.1:${port}/${database}`;
  const answers = async (): Promise<boolean> => {
    const client = new pg.Client({ connectionString: urlOf('postgres') });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      return false;
    }
  };
  const server: PostgresServer = {
    port,
    async start() {
      const settings = [
        'wal_level=logical',
        'fsync=off',
        'listen_addresses=127.0.0.1',
        `unix_socket_directories=${folder}`,
      ];
      settings.push(
        'max_wal_senders=20',
        'max_replication_slots=20',
        'max_logical_replication_workers=20',
        'max_worker_processes=30',
      );
      const args = ['-D', data, '-p', String(port), ...settings.flatMap((each) => ['-c', each])];
      child = spawn(...command('postgres', args), { stdio: 'ignore', cwd: '/' });
      for (let attempt = 0; !(await answers()); attempt += 1) {
        if (attempt > 200 || child.exitCode !== null) throw new Error('PostgreSQL did not start');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async stop() {
      if (!child || child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      await ended;
      child = undefined;
    },
    async createDatabase() {
      const name = `imp_${randomUUID().replaceAll('-', '')}`;
      const client = new pg.Client({ connectionString: urlOf('postgres') });
      await client.connect();
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      return urlOf(name);
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
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
