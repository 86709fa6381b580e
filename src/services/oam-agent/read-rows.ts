import type { Selectable } from 'kysely';
import type { ChangeFeed } from '../../ids/change-feed.ts';
import type { Database, WatchedTable } from '../../ids/database.ts';
import type { Ids } from '../../ids/ids.ts';
import { ImpError } from '../../platform/errors.ts';

/** Everything that the Presence Engine's configuration is made of. */
export const OAM_AGENT_TABLES = [
  'serviceparameter',
  'imdomain',
  'enterprisenode',
  'presencegateway',
] as const satisfies WatchedTable[];

type Rows<Table extends keyof Database> = readonly Selectable<Database[Table]>[];

export interface OamAgentRows {
  readonly parameters: Rows<'serviceparameter'>;
  readonly domains: Rows<'imdomain'>;
  readonly nodes: Rows<'enterprisenode'>;
  readonly gateways: Rows<'presencegateway'>;
}

const MOST_TRIES = 20;

/**
 * All rows as they stood at one moment: read again when one of the tables was written meanwhile, which the change log
 * tells. (A read transaction would show other readers of the connection old data as long as it lasts.)
 * @throws ImpError `oam-agent.busy` when the tables do not come to rest
 */
export async function readRows({ read }: Ids, changeFeed: ChangeFeed): Promise<OamAgentRows> {
  for (let attempt = 0; attempt < MOST_TRIES; attempt += 1) {
    const before = await changeFeed.lastSeq();
    const rows: OamAgentRows = {
      parameters: await read
        .selectFrom('serviceparameter')
        .where('service', '=', 'presence-engine')
        .selectAll()
        .execute(),
      domains: await read.selectFrom('imdomain').selectAll().execute(),
      nodes: await read.selectFrom('enterprisenode').selectAll().execute(),
      gateways: await read.selectFrom('presencegateway').selectAll().execute(),
    };
    const touched = await read
      .selectFrom('change_log')
      .select('seq')
      .where('seq', '>', before)
      .where('tbl', 'in', OAM_AGENT_TABLES)
      .limit(1)
      .executeTakeFirst();
    if (!touched) return rows;
  }
  throw new ImpError('unavailable', 'oam-agent.busy', 'the configuration does not come to rest');
}
