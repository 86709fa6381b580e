import { ImpError } from '../platform/errors.ts';
import type { ChangeFeed } from './change-feed.ts';
import type { WatchedTable } from './database.ts';
import type { Ids } from './ids.ts';

const MOST_TRIES = 20;

/**
 * Reads several tables as they stood at one moment: again when one of them was written meanwhile, which the change log
 * tells. (A read transaction would show other readers of the connection old data as long as it lasts.)
 * @throws ImpError `ids.not-at-rest` when the tables do not come to rest
 */
export async function readAtOneMoment<Rows>(
  ids: Ids,
  changeFeed: ChangeFeed,
  tables: readonly WatchedTable[],
  read: (db: Ids['read']) => Promise<Rows>,
): Promise<Rows> {
  for (let attempt = 0; attempt < MOST_TRIES; attempt += 1) {
    const before = await changeFeed.lastSeq();
    const rows = await read(ids.read);
    const touched = await ids.read
      .selectFrom('change_log')
      .select('seq')
      .where('seq', '>', before)
      .where('tbl', 'in', tables)
      .limit(1)
      .executeTakeFirst();
    if (!touched) return rows;
  }
  throw new ImpError('unavailable', 'ids.not-at-rest', `${tables.join(', ')} do not come to rest`);
}
