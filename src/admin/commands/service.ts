import { z } from 'zod';
import { isoTime } from '../../platform/clock.ts';
import type { ServiceStatus } from '../../platform/service.ts';
import { effectsOf, type ServiceAction } from '../../platform/service-effects.ts';
import { type AnyCommand, command } from '../command.ts';
import { table } from '../table.ts';

/** Control Center: the services of the node (docs/services/supervisor.md). */

export const serviceShape = z.strictObject({
  name: z.string(),
  title: z.string(),
  kind: z.enum(['network', 'feature']),
  isXcp: z.boolean(),
  dependsOn: z.array(z.string()).describe('Services that must be Started before it, by name'),
  purpose: z.string(),
  state: z.enum(['Started', 'Starting', 'Stopped', 'Stopping', 'Unknown']),
  reasonCode: z
    .string()
    .describe('None, Waiting, Commanded Out of Service, Service Not Activated, Component is not running'),
  reason: z.string(),
  isActivated: z.boolean(),
  startedAt: z.string().nullable().describe('ISO 8601'),
  upTimeSeconds: z.number(),
  waitingFor: z.string().nullable(),
  waitingSince: z.string().nullable().describe('ISO 8601'),
  changedBy: z.string(),
  restartCount: z.number(),
  detail: z.string(),
});

export type ServiceView = z.infer<typeof serviceShape>;

export function viewOf(status: ServiceStatus): ServiceView {
  const { reason, startedAt, waitingSince, dependsOn, ...same } = status;
  return {
    ...same,
    dependsOn: [...dependsOn],
    reasonCode: reason.code,
    reason: reason.text,
    startedAt: startedAt === null ? null : isoTime(startedAt),
    waitingSince: waitingSince === null ? null : isoTime(waitingSince),
  };
}

export function renderServices(services: readonly ServiceView[]): string {
  return table(
    ['SERVICE', 'STATE', 'UP', 'DETAIL'],
    services.map((service) => [
      service.name,
      service.state,
      service.state === 'Started' ? duration(service.upTimeSeconds) : '',
      service.state === 'Started'
        ? service.detail
        : `${service.reasonCode === 'None' ? '' : `${service.reasonCode}: `}${service.reason}`,
    ]),
  );
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

const effectsShape = z.strictObject({
  service: z.string(),
  title: z.string(),
  action: z.enum(['start', 'stop', 'restart', 'activate', 'deactivate']),
  sentence: z.string(),
  stops: z.array(z.string()).describe('Services that stop with it'),
  restarts: z.array(z.string()).describe('Services that restart with it'),
  needIt: z.array(z.string()).describe('Services that go on, and could not start again without it'),
});

const named = z.strictObject({ name: z.string().min(1).describe("The service's folder name or its title") });

function action(name: ServiceAction, summary: string): AnyCommand {
  return command({
    words: ['service', name],
    summary,
    access: 'operate',
    arguments: named,
    positional: ['name'],
    result: serviceShape,
    run: async (context, given, call) => viewOf(await context.supervisor[name](given.name, call.by)),
    render: (service) => renderServices([service]),
  });
}

export const serviceCommands: readonly AnyCommand[] = [
  command({
    words: ['service', 'list'],
    summary: 'Shows every service of the node: state, up time, reason.',
    access: 'read',
    arguments: z.strictObject({}),
    positional: [],
    result: z.array(serviceShape),
    run: async (context) => context.supervisor.status().map(viewOf),
    render: renderServices,
  }),
  command({
    words: ['service', 'preview'],
    summary: 'Says what an action on a service would do to it and to others; does nothing.',
    access: 'read',
    arguments: named.extend({
      action: z.enum(['start', 'stop', 'restart', 'activate', 'deactivate']).describe('What would be done'),
    }),
    positional: ['action', 'name'],
    result: effectsShape,
    async run(context, given) {
      const { stops, restarts, needIt, ...same } = effectsOf(context.supervisor.status(), given.name, given.action);
      return { ...same, stops: [...stops], restarts: [...restarts], needIt: [...needIt] };
    },
    render: ({ title, sentence }) => `${title}: ${sentence}`,
  }),
  action('start', 'Starts a service. Starting the XCP Router starts nothing else.'),
  action('stop', 'Stops a service. Stopping the XCP Router stops every other XCP service.'),
  action('restart', 'Restarts a service. Restarting the XCP Router restarts every active XCP service.'),
  action('activate', 'Activates a feature service and starts it.'),
  action('deactivate', 'Stops a feature service and keeps it from starting again.'),
];
