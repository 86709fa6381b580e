import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Agent, type Dispatcher, request } from 'undici';
import { z } from 'zod';
import { describeError, type ErrorKind, ImpError } from '../platform/errors.ts';
import type { CliIo } from './io.ts';

/** Where the node of a data folder leaves its endpoints, for the command line. */
export const ENDPOINTS_FILE = 'endpoints.json';

export interface RemoteOptions {
  readonly data: string;
  /** The admin URL of a node elsewhere. */
  readonly url?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** PEM file that verifies `url`; absent: the data folder's own authority where there is one. */
  readonly ca?: string | undefined;
}

/** A connection to the JSON API of a node. */
export interface RemoteNode {
  call(method: 'GET' | 'POST', words: readonly string[], given: Record<string, unknown>): Promise<unknown>;
  /** A line each; throws the error that the last line carries. */
  stream(
    method: 'GET' | 'POST',
    words: readonly string[],
    given: Record<string, unknown>,
    signal: AbortSignal,
  ): AsyncIterable<unknown>;
  close(): Promise<void>;
}

const endpointsShape = z.looseObject({ admin: z.string(), adminToken: z.string(), ca: z.string() });
const errorShape = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
const errorLine = z.object({ type: z.literal('error'), code: z.string(), message: z.string() });

const KINDS: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid',
  401: 'denied',
  403: 'denied',
  404: 'not-found',
  409: 'conflict',
  503: 'unavailable',
};

/** @throws ImpError `cli.no-node` when no node runs there, `cli.unreachable` later on. */
export async function connectNode(options: RemoteOptions, io: CliIo): Promise<RemoteNode> {
  const local = options.url === undefined ? await readEndpoints(options.data, io) : undefined;
  const url = (local?.admin ?? options.url ?? '').replace(/\/+$/, '');
  const tokenFile = options.tokenFile ?? local?.adminToken;
  if (tokenFile === undefined) throw new ImpError('invalid', 'cli.no-token', '--url needs --token-file');
  const token = (await readNamed(resolve(io.cwd, tokenFile), 'token file')).trim();
  const caFile = options.ca ?? local?.ca;
  const ca = caFile === undefined ? undefined : await readNamed(resolve(io.cwd, caFile), 'CA file');
  const base = url.endsWith('/api') ? url : `${url.endsWith('/admin') ? url : `${url}/admin`}/api`;
  const agent = new Agent({ connect: ca === undefined ? {} : { ca }, bodyTimeout: 0, headersTimeout: 0 });

  const send = async (
    method: 'GET' | 'POST',
    words: readonly string[],
    given: Record<string, unknown>,
    signal?: AbortSignal,
  ): Promise<Dispatcher.ResponseData> => {
    const present = Object.entries(given).filter(([, value]) => value !== undefined);
    const query =
      method === 'GET'
        ? new URLSearchParams(present.map(([key, value]): [string, string] => [key, String(value)]))
        : undefined;
    try {
      const response = await request(`${base}/${words.join('/')}${query && query.size > 0 ? `?${query}` : ''}`, {
        method,
        dispatcher: agent,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: method === 'POST' ? JSON.stringify(Object.fromEntries(present)) : null,
        signal: signal ?? null,
      });
      if (response.statusCode < 300) return response;
      const body = errorShape.safeParse(await response.body.json().catch(() => undefined));
      throw new ImpError(
        KINDS[response.statusCode] ?? 'internal',
        body.data?.error.code ?? 'cli.http',
        body.data?.error.message ?? `the node answered HTTP ${response.statusCode}`,
      );
    } catch (error) {
      if (error instanceof ImpError || signal?.aborted) throw error;
      throw new ImpError('unavailable', 'cli.unreachable', `no answer from the node at ${base}`, { cause: error });
    }
  };

  return {
    async call(method, words, given) {
      return await (await send(method, words, given)).body.json();
    },
    async *stream(method, words, given, signal) {
      try {
        const response = await send(method, words, given, signal);
        let rest = '';
        response.body.setEncoding('utf8');
        for await (const chunk of response.body) {
          rest += chunk as string;
          const lines = rest.split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) {
            const item: unknown = JSON.parse(line);
            const failed = errorLine.safeParse(item);
            if (failed.success) throw new ImpError('internal', failed.data.code, failed.data.message);
            yield item;
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        throw error instanceof ImpError
          ? error
          : new ImpError('unavailable', 'cli.unreachable', 'the node went away', { cause: error });
      }
    },
    close: () => agent.destroy(),
  };
}

async function readEndpoints(data: string, io: CliIo): Promise<z.infer<typeof endpointsShape>> {
  const file = join(resolve(io.cwd, data), ENDPOINTS_FILE);
  try {
    return endpointsShape.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new ImpError(
      'unavailable',
      'cli.no-node',
      `no node runs on ${data} (start one with: imp start --data ${data})`,
      {
        cause:
          (cause as NodeJS.ErrnoException).code === 'ENOENT'
            ? undefined
            : new Error(`${file}: ${describeError(cause)}`),
      },
    );
  }
}

async function readNamed(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ImpError('invalid', 'cli.unreadable-file', `the ${what} ${file} cannot be read`, { cause });
  }
}
