import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import type { Endpoints } from '../../src/node/endpoints.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/imp.js', import.meta.url));

/** A node in a process of its own, started as a user starts it. */
export interface ImpProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly endpoints: Endpoints;
  /** Verifies the node's certificates. */
  readonly agent: Agent;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
  /** Everything written to standard error so far. */
  log(): string;
}

export interface ImpOptions {
  readonly data: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Resolve when the listeners are open rather than when it is ready. */
  readonly untilListening?: boolean;
}

export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'imp-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** Starts `imp start --json --ephemeral-ports`, and waits until it says that it is ready. */
export async function startImp(options: ImpOptions): Promise<ImpProcess> {
  const child = spawn(
    process.execPath,
    [LAUNCHER, 'start', '--json', '--ephemeral-ports', '--data', options.data, ...(options.flags ?? ['--mock-cucm'])],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } },
  );
  let log = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (chunk: string) => {
    log += chunk;
  });
  const exited = once(child, 'exit');
  const endpoints = await new Promise<Endpoints>((resolve, reject) => {
    let found: Endpoints | undefined;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as { type: string; ready?: boolean };
      if (event.type === 'endpoints') found = event as unknown as Endpoints;
      if (found && (options.untilListening || (event.type === 'readiness' && event.ready === true))) resolve(found);
    });
    exited.then(
      () => reject(new Error(`imp ended before it was ready:\n${log}`)),
      (error: unknown) => reject(error),
    );
  });
  const agent = new Agent({ connect: { ca: await readFile(endpoints.ca, 'utf8') } });
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    child.kill(signal);
    await exited;
    await agent.destroy();
    return child.exitCode;
  };
  return {
    child,
    endpoints,
    agent,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    log: () => log,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) await end('SIGKILL');
      else await agent.destroy();
    },
  };
}

/** Runs another `imp` command to its end. */
export async function runImp(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly out: string; readonly err: string }> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk;
  });
  await once(child, 'close');
  return { code: child.exitCode, out, err };
}

/** One AXL request to the mock beside a node, as a script would send it. Answers status and body. */
export async function axl(
  imp: ImpProcess,
  operation: string,
  inside: string,
): Promise<{ status: number; body: string }> {
  const mock = imp.endpoints.mockCucm;
  if (!mock) throw new Error('the node has no mock CUCM');
  const answer = await request(mock.axl, {
    method: 'POST',
    dispatcher: imp.agent,
    headers: {
      authorization: `Basic ${Buffer.from(`${mock.user}:${mock.password}`).toString('base64')}`,
      'content-type': 'text/xml; charset=utf-8',
      soapaction: `"CUCM:DB ver=14.0 ${operation}"`,
    },
    body:
      '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns="http://www.cisco.com/AXL/API/14.0">' +
      `<soapenv:Body><ns:${operation}>${inside}</ns:${operation}></soapenv:Body></soapenv:Envelope>`,
  });
  return { status: answer.statusCode, body: await answer.body.text() };
}

/** Asks the JSON API of a node. */
export async function admin(imp: ImpProcess, method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
  const token = (await readFile(imp.endpoints.adminToken, 'utf8')).trim();
  const answer = await request(`${imp.endpoints.admin}/api/${path}`, {
    method,
    dispatcher: imp.agent,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return await answer.body.json();
}
