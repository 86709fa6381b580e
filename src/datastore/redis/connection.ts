import { readFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { describeError, ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { SCRIPTS, type ScriptName } from './scripts.ts';

/** How to reach a Redis or Valkey server. */
export interface RedisTarget {
  /** `redis://` or, over TLS, `rediss://`, with user, host, port and database. */
  readonly url: string;
  readonly password: string | undefined;
  /** PEM of the authority of its certificate; the system's own when absent. */
  readonly caFile: string | undefined;
}

export type ScriptArgument = string | number;

/** Connections to the server: what fails says so at once and is never sent twice. */
export interface RedisConnection extends AsyncDisposable {
  readonly isReady: boolean;
  /** Called at each change of `isReady`. */
  onChange(listener: (isReady: boolean) => void): void;
  /** Runs a script of a store. @throws ImpError `datastore.away`, kind `unavailable` */
  run(script: ScriptName, prefix: string, args: readonly ScriptArgument[]): Promise<unknown>;
  call(command: string, args: readonly ScriptArgument[]): Promise<unknown>;
  /** The same on a connection of its own, for a command that waits in the server. */
  wait(command: string, args: readonly ScriptArgument[]): Promise<unknown>;
  /** Ends the command that waits, as if its time were over. */
  wake(): void;
}

const CONNECT_MS = 3_000;
const COMMAND_MS = 3_000;
/** Longer than any command waits in the server. */
const WAIT_MS = 10_000;
const LONGEST_PAUSE_MS = 2_000;

export async function connectRedis(target: RedisTarget, log: Log): Promise<RedisConnection> {
  const ca = target.caFile === undefined ? undefined : await readFile(target.caFile, 'utf8');
  const shared = {
    ...(target.password !== undefined && { password: target.password }),
    ...(ca !== undefined && { tls: { ca } }),
    connectTimeout: CONNECT_MS,
    // A command that cannot be sent now fails now: the caller's client is told to try later.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt: number) => Math.min(LONGEST_PAUSE_MS, 50 * 2 ** Math.min(attempt, 6)),
  };
  const commands = new Redis(target.url, { ...shared, commandTimeout: COMMAND_MS });
  const waiting = new Redis(target.url, { ...shared, commandTimeout: WAIT_MS });
  let waitingId: unknown;
  const listeners: ((isReady: boolean) => void)[] = [];
  let isReady = false;
  let isClosed = false;
  const judge = (): void => {
    const next = commands.status === 'ready' && waiting.status === 'ready';
    if (isReady === next) return;
    isReady = next;
    if (!isClosed) log[next ? 'info' : 'warn']({ isReady }, 'the datastore server changed');
    for (const listener of listeners) listener(next);
  };
  for (const each of [commands, waiting]) {
    each.on('ready', judge);
    each.on('close', judge);
  }
  waiting.on('ready', () => {
    waiting.call('CLIENT', 'ID').then(
      (id) => {
        waitingId = id;
      },
      (error: unknown) => log.debug({ err: describeError(error) }, 'the waiting connection has no id'),
    );
  });
  for (const each of [commands, waiting]) {
    each.on('error', (error: Error) => log.debug({ err: describeError(error) }, 'datastore connection failed'));
  }
  for (const [name, lua] of Object.entries(SCRIPTS)) commands.defineCommand(name, { numberOfKeys: 1, lua });

  const guarded = async (task: () => Promise<unknown>): Promise<unknown> => {
    if (isClosed) throw new ImpError('unavailable', 'datastore.closed', 'the datastore is closed');
    try {
      return await task();
    } catch (cause) {
      throw new ImpError('unavailable', 'datastore.away', 'the datastore server does not answer', { cause });
    }
  };
  return {
    get isReady() {
      return isReady;
    },
    onChange: (listener) => void listeners.push(listener),
    run: (script, prefix, args) =>
      guarded(() => {
        const scripted = commands as unknown as Record<ScriptName, (...all: ScriptArgument[]) => Promise<unknown>>;
        return scripted[script](prefix, ...args);
      }),
    call: (command, args) => guarded(() => commands.call(command, ...args.map(String))),
    wait: (command, args) => guarded(() => waiting.call(command, ...args.map(String))),
    wake() {
      if (waitingId === undefined || !isReady) return;
      commands.call('CLIENT', 'UNBLOCK', String(waitingId)).catch((error: unknown) => {
        // It waits no longer than it would have.
        log.debug({ err: describeError(error) }, 'a waiting command could not be ended');
      });
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      commands.disconnect();
      waiting.disconnect();
    },
  };
}
