import { randomUUID } from 'node:crypto';
import type { Ids } from '../../ids/ids.ts';
import { ICSA_SERVICE } from './names.ts';

const NAME = 'clusterIdentifier';

/** What this cluster is known by among its peers: made once, and kept in the IDS as a service parameter. */
export async function ensureClusterId(ids: Ids): Promise<string> {
  const read = async (db: Pick<Ids['read'], 'selectFrom'>): Promise<string | undefined> =>
    (
      await db
        .selectFrom('serviceparameter')
        .select('value')
        .where('node', '=', '')
        .where('service', '=', ICSA_SERVICE)
        .where('name', '=', NAME)
        .executeTakeFirst()
    )?.value;
  const known = await read(ids.read);
  if (known !== undefined) return known;
  return await ids.transaction('node', async (trx) => {
    const other = await read(trx);
    if (other !== undefined) return other;
    const value = randomUUID();
    await trx.insertInto('serviceparameter').values({ node: '', service: ICSA_SERVICE, name: NAME, value }).execute();
    return value;
  });
}
