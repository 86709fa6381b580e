/**
 * SIP Proxy: registrations with digest and messages a second at a node in its own process, beside Kamailio with the
 * same users on the same cores (when it is installed). One load generator serves both, in turn.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createMemoryEngine } from '../src/datastore/memory-engine.ts';
import { systemClock } from '../src/platform/clock.ts';
import { createLog } from '../src/platform/log.ts';
import { createMetrics } from '../src/platform/metrics.ts';
import { createScope } from '../src/platform/scope.ts';
import {
  createSipRegistrationDatastore,
  sipRegistrationDatastoreDescriptor,
} from '../src/services/sip-registration-datastore/sip-registration-datastore.ts';
import { startKamailio } from './support/kamailio.ts';
import { processCpu } from './support/process-cpu.ts';
import { type LoadResult, openSipLoad, type SipLoad } from './support/sip-load.ts';

const EXCHANGES = Number(process.argv[2] ?? 10_000);
const ROUNDS = Number(process.argv[3] ?? 3);
const USERS = 5_000;
const IN_FLIGHT = 64;
const REALM = 'acme.example';
const PASSWORD = 'Imp-demo-1';
const LAUNCHER = fileURLToPath(new URL('../bin/imp.js', import.meta.url));

interface Server {
  readonly name: string;
  readonly pid: number;
  readonly load: SipLoad;
}

const folder = await mkdtemp(join(tmpdir(), 'imp-bench-'));
const data = join(folder, 'data');
const imp = spawn(
  process.execPath,
  [
    ...process.argv.slice(4),
    ...[LAUNCHER, 'start', '--json', '--mock-cucm', '--users', String(USERS), '--ephemeral-ports'],
    ...['--log-level', 'error', '--data', data],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
process.once('exit', () => void imp.kill('SIGKILL'));
const { sip } = await new Promise<{ readonly sip: { readonly udp: number } }>((resolve) => {
  let endpoints = { sip: { udp: 0 } };
  createInterface({ input: imp.stdout }).on('line', (line) => {
    const event = JSON.parse(line) as { type: string; ready?: boolean };
    if (event.type === 'endpoints') endpoints = event as unknown as typeof endpoints;
    if (event.type === 'readiness' && event.ready === true) resolve(endpoints);
  });
});
const listed = spawnSync(
  process.execPath,
  [LAUNCHER, 'user', 'list', '--match', 'user', '--limit', '10000', '--json', '--data', data],
  { maxBuffer: 64 * 1024 * 1024 },
);
const names = (JSON.parse(listed.stdout.toString()) as { userid: string; isEnabled: boolean }[])
  .filter(({ userid, isEnabled }) => isEnabled && /^user\d{6}$/.test(userid))
  .map(({ userid }) => userid);
const users = { realm: REALM, names, password: PASSWORD };

const servers: Server[] = [{ name: 'imp-gateway', pid: imp.pid ?? 0, load: await openSipLoad(sip.udp, users) }];
const kamailio = await startKamailio({
  ...{ folder, realm: REALM, password: PASSWORD, users: USERS },
  workers: availableParallelism(),
});
if (kamailio === undefined) console.log('Kamailio is not installed here (apt-get install kamailio): ours runs alone');
else {
  const name = `Kamailio ${kamailio.version}`;
  servers.push({ name, pid: kamailio.pid, load: await openSipLoad(kamailio.port, users) });
}

interface Measured extends LoadResult {
  /** Microseconds of the server's processor time for one exchange. */
  readonly cpuMicros: number;
}

async function measured(server: Server, what: 'registrations' | 'messages'): Promise<Measured> {
  const before = processCpu(server.pid) ?? Number.NaN;
  const result = await server.load[what]({ exchanges: EXCHANGES, inFlight: IN_FLIGHT });
  return { ...result, cpuMicros: (((processCpu(server.pid) ?? Number.NaN) - before) / EXCHANGES) * 1e6 };
}

const median = (results: readonly Measured[]): Measured =>
  [...results].sort((a, b) => a.rate - b.rate)[Math.floor(results.length / 2)] as Measured;

const usedBefore = kamailio?.usedMemory();
for (const { load } of servers) await load.registrations({ exchanges: 2 * names.length, inFlight: IN_FLIGHT });
const usedAfter = kamailio?.usedMemory();
const perRegistration = await memoryOfRegistrations();
console.log(`memory of a registration, imp-gateway: ${Math.round(perRegistration)} bytes`);
if (usedBefore !== undefined && usedAfter !== undefined) {
  const bytes = (usedAfter - usedBefore) / names.length;
  console.log(`memory of a registration, ${servers[1]?.name}: ${Math.round(bytes)} bytes`);
}
for (const what of ['registrations', 'messages'] as const) {
  const results = servers.map((): Measured[] => []);
  // In turn, so that what else the machine does meets both.
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [place, server] of servers.entries()) results[place]?.push(await measured(server, what));
  }
  const best = results.map(median);
  for (const [place, { name }] of servers.entries()) {
    const { rate, p50Ms, p99Ms, cpuMicros, retransmissions } = best[place] as Measured;
    const ratio = place === 0 && best[1] !== undefined ? `, ${(rate / best[1].rate).toFixed(2)} of Kamailio` : '';
    const cpu = Number.isNaN(cpuMicros) ? '' : `, ${Math.round(cpuMicros)} µs of the server's CPU each`;
    console.log(
      `${what}, ${name}: ${Math.round(rate)}/s${ratio}; p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms${cpu}${retransmissions === 0 ? '' : `, ${retransmissions} sent again`}`,
    );
  }
}
const [ours] = servers;
if (ours !== undefined) {
  const { rate } = await ours.load.registrations({ exchanges: EXCHANGES, inFlight: IN_FLIGHT, algorithm: 'SHA-256' });
  console.log(`registrations with SHA-256, ${ours.name}: ${Math.round(rate)}/s`);
}
for (const { load } of servers) load.close();
imp.kill('SIGTERM');
await Promise.all([once(imp, 'exit'), kamailio?.stop()]);
await rm(folder, { recursive: true, force: true });

/** Bytes that a registered contact keeps in the SIP Registration Datastore, in this process. */
async function memoryOfRegistrations(): Promise<number> {
  const used = (): number => {
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const log = createLog({ level: 'silent' });
  const engine = createMemoryEngine({ clock: systemClock, log, metrics: createMetrics({}) });
  const options = sipRegistrationDatastoreDescriptor.options.parse({});
  const store = createSipRegistrationDatastore({ engine, clock: systemClock, log }, options);
  const scope = createScope(systemClock, (error) => {
    throw error;
  });
  await store.start(scope);
  const before = used();
  const count = 50_000;
  for (let turn = 0; turn < count; turn += 1) {
    const user = `user${String(turn).padStart(6, '0')}`;
    const address = `${user}@${REALM}`;
    const now = systemClock.now();
    const binding = {
      ...{ address, contact: `sip:${user}@127.0.0.1:${turn}`, outbound: null, params: {}, q: 1_000 },
      ...{ callId: `bench-${turn}`, cseq: 2, registeredAt: now, expiresAt: now + 3_600_000, path: [] },
      ...{ flow: Buffer.alloc(30, turn).toString('base64url'), isBehindFlow: false, node: 'imp1' },
      userAgent: `imp-bench ${turn}`,
    };
    await store.change(address, () => ({ put: [binding], remove: [] }));
  }
  const bytes = (used() - before) / count;
  await scope.close();
  await engine[Symbol.asyncDispose]();
  return bytes;
}
