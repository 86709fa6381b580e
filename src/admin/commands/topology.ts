import { z } from 'zod';
import { type AnyCommand, command } from '../command.ts';
import { table } from '../table.ts';

const topologyShape = z.strictObject({
  domains: z.array(z.strictObject({ domain: z.string(), isDefault: z.boolean() })),
  groups: z.array(
    z.strictObject({
      name: z.string().describe('Presence redundancy group'),
      description: z.string(),
      isHighlyAvailable: z.boolean(),
      nodes: z.array(
        z.strictObject({
          name: z.string(),
          address: z.string(),
          isPublisher: z.boolean(),
          isThisNode: z.boolean(),
          version: z.string(),
          state: z.string().describe('State of high availability; Unknown while it is off'),
          reason: z.string(),
          assignedUsers: z.number(),
        }),
      ),
    }),
  ),
  cucmServers: z.array(z.strictObject({ name: z.string(), role: z.string(), usage: z.string() })),
  unassignedUsers: z.number(),
});

export type TopologyView = z.infer<typeof topologyShape>;

/** Groups, nodes and CUCM's servers, as the IDS has them. */
export const topologyCommands: readonly AnyCommand[] = [
  command({
    words: ['topology'],
    summary: 'Shows the cluster: presence redundancy groups, their nodes, users on each, and the servers of CUCM.',
    access: 'read',
    arguments: z.strictObject({}),
    positional: [],
    result: topologyShape,
    async run(context) {
      const db = context.ids.read;
      const [nodes, groups, domains, servers, counts] = await Promise.all([
        db.selectFrom('enterprisenode').selectAll().orderBy('id').execute(),
        db.selectFrom('enterprisesubcluster').selectAll().orderBy('id').execute(),
        db.selectFrom('imdomain').selectAll().orderBy('domain').execute(),
        db.selectFrom('processnode').selectAll().orderBy('name').execute(),
        db
          .selectFrom('enduser')
          .where('deletedat', 'is', null)
          .where('enablecups', '=', 1)
          .groupBy('primarynodeid')
          .select(({ fn }) => ['primarynodeid', fn.countAll<number>().as('users')] as const)
          .execute(),
      ]);
      const usersOn = (id: number | null): number =>
        Number(counts.find(({ primarynodeid }) => primarynodeid === id)?.users ?? 0);
      return {
        domains: domains.map(({ domain, isdefault }) => ({ domain, isDefault: isdefault === 1 })),
        groups: groups.map((group) => ({
          name: group.name,
          description: group.description,
          isHighlyAvailable: group.haenabled === 1,
          nodes: nodes
            .filter(({ subclusterid }) => subclusterid === group.id)
            .map((node) => ({
              name: node.name,
              address: node.address,
              isPublisher: node.isprimary === 1,
              isThisNode: node.name === context.node.name,
              version: node.version,
              state: node.name === context.node.name ? context.highAvailability.state : 'Unknown',
              reason: node.name === context.node.name ? context.highAvailability.reason : node.hareason,
              assignedUsers: usersOn(node.id),
            })),
        })),
        cucmServers: servers.map(({ name, role, nodeusage }) => ({ name, role, usage: nodeusage })),
        unassignedUsers: usersOn(null),
      };
    },
    render: ({ groups, cucmServers, unassignedUsers }) =>
      [
        table(
          ['GROUP', 'NODE', 'ADDRESS', 'ROLE', 'STATE', 'USERS', 'VERSION'],
          groups.flatMap((group) =>
            group.nodes.map((node) => [
              group.name,
              node.name,
              node.address,
              node.isPublisher ? 'publisher' : 'subscriber',
              `${node.state}${node.reason === '' ? '' : ` (${node.reason})`}`,
              String(node.assignedUsers),
              node.version,
            ]),
          ),
        ),
        unassignedUsers === 0 ? '' : `${unassignedUsers} users have no home node`,
        table(
          ['CUCM SERVER', 'ROLE', 'USAGE'],
          cucmServers.map((each) => [each.name, each.role, each.usage]),
        ),
      ]
        .filter((part) => part !== '')
        .join('\n\n'),
  }),
];
