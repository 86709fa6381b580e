import { z } from 'zod';
import { type AnyCommand, command } from '../command.ts';
import { table } from '../table.ts';

const entryShape = z.strictObject({
  at: z.string().describe('ISO 8601'),
  by: z.string(),
  proof: z.enum(['token', 'password', 'session', 'none']),
  face: z.enum(['api', 'console', 'soap']),
  address: z.string(),
  action: z.string(),
  arguments: z.unknown().optional().describe('Without secrets'),
  requestId: z.string().optional(),
  outcome: z.enum(['done', 'refused', 'failed', 'left']),
  error: z.string().optional(),
});

/** What administrators did (docs/administration.md). */
export const auditCommands: readonly AnyCommand[] = [
  command({
    words: ['audit'],
    summary: 'Shows what administrators did: who, what, from where, with which outcome; newest first.',
    access: 'read',
    arguments: z.strictObject({
      limit: z.coerce.number().int().min(1).max(1_000).default(50).describe('Most entries to show'),
    }),
    positional: [],
    result: z.array(entryShape),
    run: async (context, { limit }) => [...context.audit.recent(limit)],
    render: (entries) =>
      entries.length === 0
        ? 'nothing was done yet'
        : table(
            ['AT', 'WHO', 'FROM', 'ACTION', 'OUTCOME', 'ARGUMENTS'],
            entries.map((each) => [
              each.at,
              each.by || '-',
              `${each.address} (${each.face})`,
              each.action,
              each.error === undefined ? each.outcome : `${each.outcome}: ${each.error}`,
              each.arguments === undefined ? '' : JSON.stringify(each.arguments),
            ]),
          ),
  }),
];
