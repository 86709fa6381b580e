import { z } from 'zod';
import { isoTime } from '../../platform/clock.ts';
import { type AnyCommand, command } from '../command.ts';
import type { AdminContext } from '../context.ts';
import { healthOf } from '../health.ts';
import { table } from '../table.ts';
import { renderServices, serviceShape, viewOf } from './service.ts';

const alarmShape = z.strictObject({
  name: z.string(),
  service: z.string(),
  severity: z.number().describe('Syslog: 1 alert … 6 informational'),
  message: z.string(),
  raisedAt: z.string().describe('ISO 8601'),
  lastAt: z.string().describe('ISO 8601'),
  count: z.number(),
});
export type AlarmView = z.infer<typeof alarmShape>;

const statusShape = z.strictObject({
  node: z.string(),
  version: z.string(),
  domain: z.string(),
  ready: z.boolean(),
  isWell: z.boolean(),
  sentence: z.string().describe('Everything is well, or why not'),
  upTimeSeconds: z.number(),
  services: z.array(serviceShape),
  sync: z.strictObject({
    state: z.string(),
    sentence: z.string(),
    syncStatus: z.string(),
    fullSyncAt: z.string().nullable().describe('ISO 8601'),
    lastChangeAt: z.string().nullable().describe('ISO 8601'),
    errors: z.number(),
  }),
  replication: z.strictObject({ state: z.number().describe('0 to 4; 2 is good'), sentence: z.string() }),
  highAvailability: z.strictObject({ state: z.string(), reason: z.string() }),
  feed: z.array(
    z.strictObject({
      consumer: z.string(),
      seq: z.number(),
      lagRows: z.number(),
      lagSeconds: z.number(),
      failures: z.number(),
      lastError: z.string(),
      isFollowing: z.boolean(),
    }),
  ),
  users: z.strictObject({ enabled: z.number(), assigned: z.number(), ofPeers: z.number() }),
  alarms: z.array(alarmShape),
});
export type Status = z.infer<typeof statusShape>;

function activeAlarms(context: AdminContext): AlarmView[] {
  return context.alarms.active().map((alarm) => ({
    name: alarm.name,
    service: alarm.service,
    severity: alarm.severity,
    message: alarm.message,
    raisedAt: isoTime(alarm.raisedAt),
    lastAt: isoTime(alarm.lastAt),
    count: alarm.count,
  }));
}

const timeOrNull = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));

async function gather(context: AdminContext): Promise<Status> {
  const sync = context.sync.overview();
  const [health, consumers, users] = await Promise.all([
    healthOf(context),
    context.changeFeed.consumers(),
    context.ids.read
      .selectFrom('enduser')
      .where('deletedat', 'is', null)
      .where('enablecups', '=', 1)
      .select(({ fn }) => [
        fn.countAll<number>().as('enabled'),
        fn.count<number>('primarynodeid').as('assigned'),
        fn.count<number>('peerclusterid').as('ofPeers'),
      ])
      .executeTakeFirstOrThrow(),
  ]);
  return {
    node: context.node.name,
    version: context.node.version,
    domain: context.node.domain,
    ready: context.node.isReady(),
    ...health,
    upTimeSeconds: Math.floor((context.clock.now() - context.node.startedAt) / 1000),
    services: context.supervisor.status().map(viewOf),
    sync: {
      state: sync.state,
      sentence: sync.sentence,
      syncStatus: sync.syncStatus,
      fullSyncAt: timeOrNull(sync.fullSyncAt),
      lastChangeAt: timeOrNull(sync.lastChangeAt),
      errors: sync.errors,
    },
    replication: { ...context.replication },
    highAvailability: { state: context.highAvailability.state, reason: context.highAvailability.reason },
    feed: consumers.map(({ consumer, seq, lagRows, lagSeconds, failures, lastError, isFollowing }) => ({
      consumer,
      seq,
      lagRows,
      lagSeconds,
      failures,
      lastError,
      isFollowing,
    })),
    users: {
      enabled: Number(users.enabled) - Number(users.ofPeers),
      assigned: Number(users.assigned),
      ofPeers: Number(users.ofPeers),
    },
    alarms: activeAlarms(context),
  };
}

function renderAlarms(alarms: readonly AlarmView[]): string {
  if (alarms.length === 0) return 'no alarms';
  return table(
    ['SEVERITY', 'ALARM', 'SERVICE', 'SINCE', 'COUNT', 'MESSAGE'],
    alarms.map((alarm) => [
      String(alarm.severity),
      alarm.name,
      alarm.service,
      alarm.raisedAt,
      String(alarm.count),
      alarm.message,
    ]),
  );
}

function renderStatus(status: Status): string {
  return [
    `${status.node} (imp-gateway ${status.version}, ${status.domain}): ${status.ready ? 'ready' : 'not ready'}`,
    status.sentence,
    `Sync:        ${status.sync.state}. ${status.sync.sentence}`,
    `Users:       ${status.users.enabled} enabled, ${status.users.assigned} assigned` +
      (status.users.ofPeers === 0 ? '' : `; ${status.users.ofPeers} of peer clusters`),
    `Replication: ${status.replication.state} (${status.replication.sentence})`,
    `HA:          ${status.highAvailability.state} (${status.highAvailability.reason})`,
    '',
    renderServices(status.services),
    '',
    table(
      ['FEED CONSUMER', 'PLACE', 'LAG', 'STATE'],
      status.feed.map((each) => [
        each.consumer,
        String(each.seq),
        each.lagRows === 0 ? 'none' : `${each.lagRows} rows, ${each.lagSeconds.toFixed(1)} s`,
        each.failures > 0
          ? `failed ${each.failures} times: ${each.lastError}`
          : each.isFollowing
            ? 'following'
            : 'not running',
      ]),
    ),
    '',
    renderAlarms(status.alarms),
  ].join('\n');
}

/** How the node is, in one screen. */
export const statusCommands: readonly AnyCommand[] = [
  command({
    words: ['status'],
    summary: 'Shows services, sync, replication, high availability, feed lag and alarms in one screen.',
    access: 'read',
    arguments: z.strictObject({}),
    positional: [],
    result: statusShape,
    run: gather,
    render: renderStatus,
  }),
  command({
    words: ['alarms'],
    summary: 'Shows the alarms that are raised now.',
    access: 'read',
    arguments: z.strictObject({}),
    positional: [],
    result: z.array(alarmShape),
    run: async (context) => activeAlarms(context),
    render: renderAlarms,
  }),
];
