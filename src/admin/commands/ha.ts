import { z } from 'zod';
import { type AnyCommand, type CommandCall, command } from '../command.ts';
import type { AdminContext, HaOverview } from '../context.ts';
import { table } from '../table.ts';

/** High availability of redundancy groups (docs/services/server-recovery-manager.md). */

const groupShape = z.strictObject({
  group: z.string(),
  isEnabled: z.boolean(),
  nodes: z.array(
    z.strictObject({
      name: z.string(),
      isHere: z.boolean(),
      number: z.number().describe('0 to 12, as SRMState'),
      state: z.string(),
      reason: z.string(),
      heardSecondsAgo: z.number().nullable().describe('null for this node, and for one that has not been heard'),
      roundTripMs: z.number().nullable(),
      servicesDown: z.array(z.string()).describe('Critical services that are down'),
    }),
  ),
});
const statusShape = z.strictObject({
  groups: z.array(groupShape),
  problems: z.array(z.string()).describe("What stands against switching it on in this node's group"),
});
type Status = z.infer<typeof statusShape>;

function viewOf({ groups, problems }: HaOverview, only: string): Status {
  return {
    groups: groups
      .filter(({ group }) => only === '' || group.toLowerCase() === only.toLowerCase())
      .map(({ nodes, ...group }) => ({
        ...group,
        nodes: nodes.map((node) => ({ ...node, servicesDown: [...node.servicesDown] })),
      })),
    problems: [...problems],
  };
}

function render({ groups, problems }: Status): string {
  const lines = groups.map(({ group, isEnabled, nodes }) =>
    [
      `${group}: high availability is ${isEnabled ? 'on' : 'off'}`,
      table(
        ['NODE', 'STATE', 'REASON', 'HEARD', 'SERVICES DOWN'],
        nodes.map((node) => [
          node.name,
          node.state,
          node.reason,
          node.isHere ? 'here' : node.heardSecondsAgo === null ? '-' : `${node.heardSecondsAgo} s ago`,
          node.servicesDown.join(', ') || '-',
        ]),
      ),
    ].join('\n'),
  );
  if (problems.length > 0) {
    lines.push(['It cannot be switched on:', ...problems.map((each) => `  ${each}`)].join('\n'));
  }
  return lines.join('\n\n');
}

const group = z.string().default('').describe("Name of the redundancy group; left out, this node's");
const node = z.string().min(1).describe('Name of the node');

/** A command that does one thing and then shows how the groups are. */
function acting<Given>(
  word: string,
  summary: string,
  given: { readonly arguments: z.ZodType<Given>; readonly positional: readonly string[] },
  act: (context: AdminContext, given: Given, call: CommandCall) => Promise<void>,
): AnyCommand {
  return command({
    words: ['ha', word],
    summary,
    access: 'operate',
    arguments: given.arguments,
    positional: given.positional,
    result: statusShape,
    async run(context, asked, call) {
      await act(context, asked, call);
      return viewOf(await context.highAvailability.overview(), '');
    },
    render,
  });
}

const aboutGroup = { arguments: z.strictObject({ group }), positional: ['group'] } as const;
const aboutNode = { arguments: z.strictObject({ node }), positional: ['node'] } as const;

export const haCommands: readonly AnyCommand[] = [
  command({
    words: ['ha', 'status'],
    summary: 'Shows the redundancy groups: state and reason of each node.',
    access: 'read',
    arguments: z.strictObject({ group: z.string().default('').describe('Only this one') }),
    positional: ['group'],
    result: statusShape,
    run: async (context, given) => viewOf(await context.highAvailability.overview(), given.group),
    render,
  }),
  acting(
    'enable',
    'Switches high availability on in a group, if nothing stands against it.',
    {
      arguments: z.strictObject({
        group,
        override: z.boolean().default(false).describe('Also with problems that can be mended later'),
      }),
      positional: ['group'],
    },
    (context, given) => context.highAvailability.enable(given.group, given.override),
  ),
  acting('disable', 'Switches high availability off: every node serves its own users.', aboutGroup, (context, given) =>
    context.highAvailability.disable(given.group),
  ),
  acting(
    'failover',
    'Moves the users of a node to its partner, and stops what served them.',
    aboutNode,
    (context, given, call) => context.highAvailability.failover(given.node, call.by),
  ),
  acting('fallback', 'Gives a failed-over node its users back.', aboutNode, (context, given, call) =>
    context.highAvailability.fallback(given.node, call.by),
  ),
  acting('recover', 'Begins anew on both nodes of a group that is Failed.', aboutGroup, (context, given, call) =>
    context.highAvailability.recover(given.group, call.by),
  ),
];
