import { z } from 'zod';
import { ImpError } from '../../platform/errors.ts';
import { type AnyCommand, command } from '../command.ts';

const assignedShape = z.strictObject({
  userid: z.string(),
  node: z.string().nullable().describe('Home node; null when unassigned'),
  before: z.string().nullable().describe('Home node before'),
});

/** Home nodes by hand (docs/services/sync-agent.md): the Sync Agent keeps what is assigned. */
export const assignmentCommands: readonly AnyCommand[] = [
  command({
    words: ['user', 'assign'],
    summary: 'Gives a user a home node; without --node takes it away.',
    access: 'operate',
    arguments: z.strictObject({
      user: z.string().min(1).describe('User id'),
      node: z.string().default('').describe('Name of the node; none: the user has no home node'),
    }),
    positional: ['user'],
    result: assignedShape,
    run: (context, given) =>
      context.ids.transaction('administrator', async (trx) => {
        const user = await trx
          .selectFrom('enduser')
          .leftJoin('enterprisenode', 'enterprisenode.id', 'enduser.primarynodeid')
          .where(({ eb, fn, val }) => eb(fn('lower', ['enduser.userid']), '=', fn('lower', [val(given.user)])))
          .where('enduser.deletedat', 'is', null)
          .select(['enduser.pkid', 'enduser.userid', 'enduser.enablecups', 'enduser.peerclusterid'])
          .select('enterprisenode.name as before')
          .executeTakeFirst();
        if (!user) throw new ImpError('not-found', 'user.unknown', `there is no user ${given.user}`);
        if (user.peerclusterid !== null) {
          throw new ImpError('conflict', 'user.of-peer', `${user.userid} belongs to a peer cluster: assign there`);
        }
        const nodes = await trx.selectFrom('enterprisenode').select(['id', 'name']).execute();
        const node = given.node === '' ? undefined : nodes.find((each) => each.name === given.node);
        if (given.node !== '' && !node) {
          throw new ImpError(
            'not-found',
            'node.unknown',
            `there is no node ${given.node}; there are: ${nodes.map((each) => each.name).join(', ')}`,
          );
        }
        if (node && user.enablecups !== 1) {
          throw new ImpError(
            'conflict',
            'user.not-enabled',
            `${user.userid} is not enabled for IM and Presence in CUCM: enable it there first`,
          );
        }
        await trx
          .updateTable('enduser')
          .set({ primarynodeid: node?.id ?? null, tkassignmentstate: node ? 1 : 0 })
          .where('pkid', '=', user.pkid)
          .execute();
        return { userid: user.userid, node: node?.name ?? null, before: user.before };
      }),
    render: ({ userid, node, before }) =>
      `${userid}: ${node === null ? 'no home node' : `home node ${node}`} (before: ${before ?? 'none'})`,
  }),
];
