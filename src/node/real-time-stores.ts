import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DatastoreEngine } from '../datastore/datastore.ts';
import { createMemoryEngine } from '../datastore/memory-engine.ts';
import { createRedisEngine } from '../datastore/redis-engine.ts';
import type { Clock } from '../platform/clock.ts';
import { ImpError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Gate } from '../platform/supervisor.ts';
import type { NodeFile } from './node-config.ts';

/** Where the real-time datastores of a node live. */
export interface RealTimeStores extends AsyncDisposable {
  /** Sessions, presence, registrations, ownership: seen by every node that names the same server. */
  readonly shared: DatastoreEngine;
  /** What each node keeps for itself: routes. */
  readonly local: DatastoreEngine;
  readonly isShared: boolean;
  /** What session keys are derived from; undefined: a random one of this process. */
  readonly secret: Uint8Array | undefined;
  /** The data gate, held back until the server of the stores has answered once. */
  gate(inner: Gate): Gate;
  /** Called when the server has answered for the first time. */
  onFirstAnswer(listener: () => void): void;
}

const SECRET_BYTES = 32;

/** @throws ImpError `config.unreadable`, `config.invalid` */
export async function openRealTimeStores(
  config: NodeFile['datastore'],
  needs: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics; readonly baseFolder: string },
): Promise<RealTimeStores> {
  const local = createMemoryEngine(needs);
  if (!config) {
    return {
      shared: local,
      local,
      isShared: false,
      secret: undefined,
      gate: (inner) => inner,
      onFirstAnswer: () => undefined,
      [Symbol.asyncDispose]: () => local[Symbol.asyncDispose](),
    };
  }
  const read = async (key: string, file: string): Promise<string> => {
    try {
      return await readFile(resolve(needs.baseFolder, file), 'utf8');
    } catch (cause) {
      throw new ImpError('invalid', 'config.unreadable', `datastore.${key}: ${file} cannot be read`, { cause });
    }
  };
  const secret = Buffer.from((await read('secretFile', config.secretFile)).trim(), 'utf8');
  if (secret.length < SECRET_BYTES) {
    const message = `datastore.secretFile: ${config.secretFile} must hold ${SECRET_BYTES} random characters or more`;
    throw new ImpError('invalid', 'config.invalid', message);
  }
  const engine = await createRedisEngine({
    ...needs,
    target: {
      url: config.url,
      password:
        config.passwordFile === undefined ? undefined : (await read('passwordFile', config.passwordFile)).trim(),
      caFile: config.caFile === undefined ? undefined : resolve(needs.baseFolder, config.caFile),
    },
  });
  let hasAnswered = engine.isReady;
  const listeners: (() => void)[] = [];
  engine.onChange((isReady) => {
    if (!isReady || hasAnswered) return;
    hasAnswered = true;
    for (const listener of listeners) listener();
  });
  return {
    shared: engine,
    local,
    isShared: true,
    secret,
    gate: (inner) => ({
      get isOpen() {
        return inner.isOpen && hasAnswered;
      },
      get waitsFor() {
        return inner.isOpen ? 'the server of the real-time datastores to answer' : inner.waitsFor;
      },
    }),
    onFirstAnswer: (listener) => void listeners.push(listener),
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await local[Symbol.asyncDispose]();
    },
  };
}
