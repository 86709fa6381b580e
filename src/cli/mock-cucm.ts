import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { removeEndpoints, writeEndpoints } from '../node/endpoints.ts';
import { type StandaloneMock, startStandaloneMock } from '../node/standalone-mock.ts';
import { systemClock } from '../platform/clock.ts';
import { createLog, type LogLevel } from '../platform/log.ts';
import type { GlobalFlags, MockCucmFlags } from './flags.ts';
import type { CliIo } from './io.ts';

const DEFAULT_PORT = 9443;

/** `imp mock-cucm`: only the mock, until it is interrupted. Without `--data` nothing is kept. */
export async function runMockCucm(flags: GlobalFlags, io: CliIo): Promise<void> {
  const given = flags as MockCucmFlags;
  const endpointsFile = given.endpoints === undefined ? undefined : resolve(io.cwd, given.endpoints);
  if (endpointsFile !== undefined) await removeEndpoints(endpointsFile);
  const temporary = given.data === undefined ? await mkdtemp(join(tmpdir(), 'imp-mock-cucm-')) : undefined;
  let mock: StandaloneMock | undefined;
  try {
    const starting = startStandaloneMock({
      certificatesFolder: join(temporary ?? resolve(io.cwd, given.data ?? ''), 'certs'),
      dataFolder: given.data === undefined ? null : resolve(io.cwd, given.data),
      fixtureFile: given.fixture === undefined ? null : resolve(io.cwd, given.fixture),
      users: given.users ?? 0,
      userPrefix: given.userPrefix ?? 'user',
      seed: given.seed ?? 1,
      faults: given.fault ?? [],
      port: given.port ?? DEFAULT_PORT,
      signal: io.interrupted,
      onGenerated: (done, total) => {
        if (!given.json) io.status?.(`generating users: ${done} of ${total}`);
      },
      clock: systemClock,
      log: createLog({ level: (given.logLevel as LogLevel | undefined) ?? (io.isErrorTerminal ? 'warn' : 'info') }),
    });
    mock = await starting.catch((error: unknown) => {
      if (io.interrupted.aborted) return undefined;
      throw error;
    });
    // Interrupted while users were generated.
    if (mock === undefined) return;
    const endpoints = { ready: true, pid: io.pid, ...mock.endpoints };
    if (endpointsFile !== undefined) await writeEndpoints(endpointsFile, endpoints);
    if (given.json) io.out(JSON.stringify(endpoints));
    else {
      io.status?.('');
      io.out(
        [
          'mock CUCM',
          '',
          `  AXL         ${endpoints.axl}`,
          `  User        ${endpoints.user} / ${endpoints.password}`,
          `  Authority   ${endpoints.ca}`,
          `  Data        ${given.data === undefined ? 'not kept' : resolve(io.cwd, given.data)}`,
          `  Faults      ${new URL('/faults', endpoints.axl)}`,
          '',
          `ready: ${mock.users} users. Stop with Ctrl+C.`,
        ].join('\n'),
      );
    }
    if (!io.interrupted.aborted) {
      await new Promise<void>((done) => io.interrupted.addEventListener('abort', () => done(), { once: true }));
    }
  } finally {
    await mock?.[Symbol.asyncDispose]();
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
    if (endpointsFile !== undefined) await removeEndpoints(endpointsFile);
  }
}
