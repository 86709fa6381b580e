import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type AdminFaces, createAdminFaces } from '../../src/admin/admin-app.ts';
import { type AuditEntry, openAuditLog } from '../../src/admin/audit-log.ts';
import type { AdminContext, SyncOverview } from '../../src/admin/context.ts';
import { adminOptions } from '../../src/admin/options.ts';
import { createRestartNotices } from '../../src/admin/restart-notices.ts';
import type { Alarms } from '../../src/platform/alarms.ts';
import { ImpError } from '../../src/platform/errors.ts';
import { createHttpListener, createHttpsListener, type TlsMaterial } from '../../src/platform/https-listener.ts';
import { createLog } from '../../src/platform/log.ts';
import { createNotifications, type Notifications } from '../../src/platform/notifications.ts';
import type { ServiceDescriptor } from '../../src/platform/service.ts';
import { createSupervisor, type MadeService, type Supervisor } from '../../src/platform/supervisor.ts';
import { createAdministrators } from '../../src/sign-in/administrators.ts';
import { createLoginThrottle, loginThrottleOptions } from '../../src/sign-in/login-throttle.ts';
import { FakeClock, turn } from '../support/fake-clock.ts';
import { openTestIds, type TestIds } from '../support/test-ids.ts';

export const PASSWORD = 'secret <&>';
export const TOKEN = 'the-token-of-the-data-folder';

/** Administration of a node of small services, on a real IDS: `operator` may do everything, `reader` only look. */
export interface AdminWorld extends AsyncDisposable {
  readonly origin: string;
  readonly clock: FakeClock;
  readonly test: TestIds;
  readonly supervisor: Supervisor;
  readonly notifications: Notifications;
  readonly alarms: Alarms;
  readonly faces: AdminFaces;
  /** Passwords cannot be checked while it is true. */
  isCucmAway: boolean;
  /** What the Sync Agent says of itself. */
  sync: SyncOverview;
  audit(): Promise<readonly AuditEntry[]>;
}

export interface AdminWorldOptions {
  readonly tls?: TlsMaterial;
  /** Put into every name that is stored. */
  readonly mark?: string;
}

export async function openAdminWorld(options: AdminWorldOptions = {}): Promise<AdminWorld> {
  const { mark = '' } = options;
  const clock = new FakeClock(Date.UTC(2026, 10, 24, 8, 5, 9));
  const log = createLog({ level: 'silent' });
  const test = await openTestIds({ clock });
  const { ids, changeFeed, alarms, metrics } = test;
  await seed(test, mark);
  const folder = await mkdtemp(join(tmpdir(), 'imp-admin-'));
  const auditFile = join(folder, 'audit.log');
  const audit = await openAuditLog({ file: auditFile, clock, log, alarms });
  const notifications = createNotifications(clock, log);
  const supervisor = await supervise(clock, alarms, mark);
  const world = { isCucmAway: false, sync: sentences(mark) };
  const throttle = createLoginThrottle(clock, loginThrottleOptions.parse({}));
  const { operateGroups: operate, readGroups: read } = adminOptions.parse({});
  const administrators = createAdministrators({
    ids,
    throttle,
    groups: { operate, read },
    credentials: {
      check: async (_kind, _name, password) =>
        world.isCucmAway ? 'unavailable' : password === PASSWORD ? 'match' : 'mismatch',
    },
  });
  const context: AdminContext = {
    node: {
      name: 'imp1',
      version: '1.2.3',
      domain: 'acme.example',
      startedAt: clock.now(),
      dataFolder: folder,
      isReady: () => true,
    },
    supervisor,
    ids,
    changeFeed,
    alarms,
    notifications,
    clock,
    metrics,
    audit,
    restartNotices: createRestartNotices({ supervisor, notifications }),
    syncWatch: { runs: () => [], version: 0 },
    sync: {
      overview: () => world.sync,
      onProgress: () => ({ [Symbol.dispose]: () => undefined }),
      request: async () => ({
        users: 3,
        devices: 2,
        lines: 2,
        inserted: 0,
        updated: 0,
        deleted: 0,
        milliseconds: 7,
      }),
      userProblems: async () => [],
    },
    rcc: {
      overview: async (userid) => ({ userid, appearances: [], chosen: null, next: null }),
      choose: async (userid) => ({ userid, appearances: [], chosen: null, next: null }),
    },
    peers: {
      list: async () => [],
      add: async () => Promise.reject(new ImpError('unavailable', 'peer.stopped', 'there are no peers here')),
      remove: async () => Promise.reject(new ImpError('unavailable', 'peer.stopped', 'there are no peers here')),
      sync: async () => [],
    },
    presence: async () => null,
    replication: { state: 2, sentence: 'one node: nothing to replicate' },
    highAvailability: {
      state: 'Unknown',
      reason: 'High Availability Not Enabled',
      overview: async () => ({ groups: [], problems: [] }),
      enable: async () => undefined,
      disable: async () => undefined,
      failover: async () => undefined,
      fallback: async () => undefined,
      recover: async () => undefined,
    },
    certificates: { list: async () => [], renew: async () => [] },
  };
  const listener = options.tls ? createHttpsListener('test', options.tls, log) : createHttpListener('test', log);
  const faces = await createAdminFaces({
    context,
    administrators,
    token: TOKEN,
    log,
    origin: () => ({ host: '127.0.0.1', port: listener.port }),
  });
  listener.mount('/admin', faces.admin);
  listener.mount('/controlcenterservice2', faces.controlCenter);
  await listener.listen('127.0.0.1', 0);
  return Object.assign(world, {
    origin: `${options.tls ? 'https' : 'http'}://127.0.0.1:${listener.port}`,
    clock,
    test,
    supervisor,
    notifications,
    alarms,
    faces,
    async audit() {
      await turn();
      const text = await readFile(auditFile, 'utf8');
      return text
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as AuditEntry);
    },
    async [Symbol.asyncDispose]() {
      await listener.close();
      await supervisor.stopAll();
      await audit[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

function sentences(mark: string): SyncOverview {
  return {
    state: 'Completed',
    sentence: `synced 3 users ${mark}`.trim(),
    syncStatus: 'Completed 2026-11-24 08:05:09',
    fullSyncAt: null,
    lastChangeAt: null,
    errors: 0,
  };
}

async function seed({ ids }: TestIds, mark: string): Promise<void> {
  await ids.transaction('node', async (trx) => {
    await trx
      .insertInto('applicationuser')
      .values(
        ['operator', 'reader', 'norole'].map((name) => ({
          pkid: `user-${name}`,
          name,
          presencegroup: '',
          isstandard: 0,
          deletedat: null,
        })),
      )
      .execute();
    await trx
      .insertInto('dirgroup')
      .values([
        { pkid: 'group-operate', name: 'Standard CCM Super Users', deletedat: null },
        { pkid: 'group-read', name: 'Standard CCM Read Only', deletedat: null },
        { pkid: 'group-other', name: `Standard AXL API Access${mark}`, deletedat: null },
      ])
      .execute();
    await trx
      .insertInto('applicationuserdirgroupmap')
      .values([
        { fkapplicationuser: 'user-operator', fkdirgroup: 'group-operate' },
        { fkapplicationuser: 'user-reader', fkdirgroup: 'group-read' },
        { fkapplicationuser: 'user-norole', fkdirgroup: 'group-other' },
      ])
      .execute();
  });
}

const SERVICES: readonly Partial<ServiceDescriptor>[] = [
  { name: 'sync-agent', title: 'Cisco Sync Agent' },
  { name: 'xcp-router', title: 'Cisco XCP Router', isXcp: true },
  {
    name: 'xcp-directory-service',
    title: 'Cisco XCP Directory Service',
    kind: 'feature',
    isXcp: true,
    dependsOn: ['xcp-router'],
  },
  { name: 'presence-engine', title: 'Cisco Presence Engine', kind: 'feature', dependsOn: ['sync-agent'] },
  { name: 'sip-proxy', title: 'Cisco SIP Proxy', kind: 'feature', waitsForDataMonitor: true },
];

/** Everything is up but the engine, which nobody has activated, and the proxy, which waits. */
async function supervise(clock: FakeClock, alarms: Alarms, mark: string): Promise<Supervisor> {
  const activated = new Set(['xcp-directory-service', 'sip-proxy']);
  const supervisor = createSupervisor({
    services: SERVICES.map(
      (each): MadeService => ({
        descriptor: {
          purpose: `A service of the test ${mark}`,
          kind: 'network',
          isXcp: false,
          dependsOn: [],
          waitsForDataMonitor: false,
          conformance: [],
          options: z.strictObject({}),
          ...each,
        } as ServiceDescriptor<unknown>,
        service: { start: async () => undefined, detail: () => `${each.name} runs ${mark}`.trim() },
      }),
    ),
    activations: {
      isActivated: (name) => activated.has(name),
      save: async (name, isActivated) => void (isActivated ? activated.add(name) : activated.delete(name)),
    },
    gate: { isOpen: false, waitsFor: `the first sync ${mark}`.trim() },
    clock,
    log: createLog({ level: 'silent' }),
    alarms,
  });
  supervisor.startAll();
  await turn();
  return supervisor;
}
