import type { FeedBatch } from '../../ids/change-feed.ts';
import type { Ids } from '../../ids/ids.ts';

/** Users whom the node serves: each has a composed session. */
export async function countAssigned({ read }: Ids, nodeId: number): Promise<number> {
  const { count } = await read
    .selectFrom('enduser')
    .where('primarynodeid', '=', nodeId)
    .where('enablecups', '=', 1)
    .where('status', '=', 1)
    .where('deletedat', 'is', null)
    .where('peerclusterid', 'is', null)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** Whether there may be more of them, or fewer. */
export function mayChangeAssigned(batch: FeedBatch): boolean {
  return batch.kind === 'snapshot' || batch.changes.some(({ table }) => table === 'enduser');
}
