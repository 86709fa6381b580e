import type { AxlClient } from '../../axl/client.ts';
import { AxlError } from '../../axl/errors.ts';
import type { Log } from '../../platform/log.ts';
import { MANY, type ManyName, type ObjectNeeds, stageObjects } from './objects.ts';
import { type ChangePlace, LOST } from './sync-record.ts';
import { SYNCED } from './tables.ts';

export interface SkippedNeeds extends ObjectNeeds {
  readonly axl: AxlClient;
  readonly log: Log;
}

/**
 * Fetches what the pages of lists have left out: an object that is removed or renamed while lists are read moves those
 * behind it to a page that was read before. They have not changed, so nobody would speak of them, and they would be taken
 * for removed. Keys are read by SQL, page after key, where nothing moves.
 */
export async function fetchSkipped(needs: SkippedNeeds, place: ChangePlace): Promise<void> {
  const moved = await typesChanged(needs, place);
  for (const name of Object.keys(MANY) as ManyName[]) {
    const { type, from, where } = MANY[name];
    if (!moved.has(type) && (await count(needs, name)) === (await needs.staging.count(SYNCED[name]))) continue;
    let fetched = 0;
    await needs.reader.sql(
      { columns: '1 as one', from, ...(where === undefined ? {} : { where }) },
      {
        toRow: (row) => row.get('pkid') ?? '',
        async onRows(pkids) {
          const absent = await needs.staging.absent(SYNCED[name], pkids);
          if (absent.length > 0) await stageObjects(needs, name, absent);
          fetched += absent.length;
        },
      },
    );
    if (fetched > 0) needs.log.info({ type, fetched }, 'objects were left out by the pages of a list, and fetched');
  }
}

/** Types of objects of which something has changed since; all of them when CUCM cannot tell. */
async function typesChanged({ axl, reader }: SkippedNeeds, place: ChangePlace): Promise<ReadonlySet<string>> {
  const types = Object.values(MANY).map((kind) => kind.type);
  try {
    const from = { queueId: place.queueId, startChangeId: place.nextChangeId };
    const list = await reader.patiently(() => axl.listChange(from, types));
    const isAll = list.queueId === place.queueId && list.lastChangeId < list.nextStartChangeId;
    return new Set(isAll ? list.changes.map((change) => change.type) : types);
  } catch (error) {
    if (error instanceof AxlError && error.axlCode === LOST) return new Set(types);
    throw error;
  }
}

async function count({ reader }: SkippedNeeds, name: ManyName): Promise<number> {
  const { from, where } = MANY[name];
  const [row] = await reader.sqlRows(
    `select count(*) as n from ${from}${where === undefined ? '' : ` where ${where}`}`,
  );
  return Number(row?.get('n'));
}
