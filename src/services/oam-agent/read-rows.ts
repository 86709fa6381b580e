import type { Selectable } from 'kysely';
import type { ChangeFeed } from '../../ids/change-feed.ts';
import { readAtOneMoment } from '../../ids/consistent-read.ts';
import type { Database, WatchedTable } from '../../ids/database.ts';
import type { Ids } from '../../ids/ids.ts';

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

/** @throws ImpError `ids.not-at-rest` */
export async function readRows(ids: Ids, changeFeed: ChangeFeed): Promise<OamAgentRows> {
  return await readAtOneMoment(ids, changeFeed, OAM_AGENT_TABLES, async (db) => ({
    parameters: await db.selectFrom('serviceparameter').where('service', '=', 'presence-engine').selectAll().execute(),
    domains: await db.selectFrom('imdomain').selectAll().execute(),
    nodes: await db.selectFrom('enterprisenode').selectAll().execute(),
    gateways: await db.selectFrom('presencegateway').selectAll().execute(),
  }));
}
