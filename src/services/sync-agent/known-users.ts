import type { Ids } from '../../ids/ids.ts';

/**
 * How many users of this cluster are known. Counted by what the indexes hold: looking at every row would bring the whole
 * table into memory.
 */
export async function countKnownUsers(ids: Ids): Promise<number> {
  const counted = await ids.read
    .selectNoFrom((sub) => [
      sub
        .selectFrom('enduser')
        .where('deletedat', 'is', null)
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .as('all'),
      sub
        .selectFrom('enduser')
        .where('peerclusterid', 'is not', null)
        .where('deletedat', 'is', null)
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .as('ofpeers'),
    ])
    .executeTakeFirst();
  return Number(counted?.all ?? 0) - Number(counted?.ofpeers ?? 0);
}
