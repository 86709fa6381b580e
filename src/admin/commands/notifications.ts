import { z } from 'zod';
import { isoTime } from '../../platform/clock.ts';
import { type AnyCommand, command } from '../command.ts';
import { table } from '../table.ts';

const shape = z.strictObject({
  id: z.number(),
  node: z.string(),
  service: z.string(),
  severity: z.enum(['high', 'medium', 'low']),
  text: z.string(),
  raisedAt: z.string().describe('ISO 8601'),
  clearedAt: z.string().nullable().describe('ISO 8601'),
  clearedBy: z.string(),
});

export type NotificationView = z.infer<typeof shape>;

/** What waits for a person (docs/services/supervisor.md). */
export const notificationCommands: readonly AnyCommand[] = [
  command({
    words: ['notifications'],
    summary: 'Shows what needs a person: restarts that changes ask for, starts that are held back.',
    access: 'read',
    arguments: z.strictObject({
      all: z.boolean().default(false).describe('Also those that have cleared themselves'),
    }),
    positional: [],
    result: z.array(shape),
    async run(context, given) {
      const { active, history } = context.notifications;
      return [...active(), ...(given.all ? history() : [])].map((each) => ({
        id: each.id,
        node: context.node.name,
        service: each.service,
        severity: each.severity,
        text: each.text,
        raisedAt: isoTime(each.raisedAt),
        clearedAt: each.clearedAt === null ? null : isoTime(each.clearedAt),
        clearedBy: each.clearedBy,
      }));
    },
    render: (notifications) =>
      notifications.length === 0
        ? 'nothing needs a person'
        : table(
            ['SEVERITY', 'SERVICE', 'SINCE', 'CLEARED', 'NOTIFICATION'],
            notifications.map((each) => [
              each.severity,
              each.service,
              each.raisedAt,
              each.clearedAt === null ? '-' : `${each.clearedAt} by ${each.clearedBy}`,
              each.text,
            ]),
          ),
  }),
];
