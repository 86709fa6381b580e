import type { Selectable } from 'kysely';
import type { ChangeFeed } from '../../ids/change-feed.ts';
import type { Database, WatchedTable } from '../../ids/database.ts';
import type { Ids } from '../../ids/ids.ts';
import { ImpError } from '../../platform/errors.ts';

/** Everything that the SIP Proxy's configuration is made of. */
export const CONFIG_AGENT_TABLES = [
  'serviceparameter',
  'imdomain',
  'enterprisenode',
  'processnode',
  'staticroute',
  'proxyacl',
  'methodeventroute',
  'applicationlistener',
  'tlspeersubject',
  'federateddomain',
] as const satisfies WatchedTable[];

type Rows<Table extends keyof Database> = readonly Selectable<Database[Table]>[];

export interface ConfigAgentRows {
  readonly parameters: Rows<'serviceparameter'>;
  readonly domains: Rows<'imdomain'>;
  readonly nodes: Rows<'enterprisenode'>;
  readonly cucmServers: Rows<'processnode'>;
  readonly staticRoutes: Rows<'staticroute'>;
  readonly acls: Rows<'proxyacl'>;
  readonly methodEventRoutes: Rows<'methodeventroute'>;
  readonly listeners: Rows<'applicationlistener'>;
  readonly peerSubjects: Rows<'tlspeersubject'>;
  readonly federatedDomains: Rows<'federateddomain'>;
}

const MOST_TRIES = 20;

/**
 * All rows as they stood at one moment: read again when one of the tables was written meanwhile, which the change log
 * tells. (A read transaction would show other readers of the connection old data as long as it lasts.)
 * @throws ImpError `config-agent.busy` when the tables do not come to rest
 */
export async function readRows(ids: Ids, changeFeed: ChangeFeed): Promise<ConfigAgentRows> {
  for (let attempt = 0; attempt < MOST_TRIES; attempt += 1) {
    const before = await changeFeed.lastSeq();
    const rows = await readOnce(ids);
    const touched = await ids.read
      .selectFrom('change_log')
      .select('seq')
      .where('seq', '>', before)
      .where('tbl', 'in', CONFIG_AGENT_TABLES)
      .limit(1)
      .executeTakeFirst();
    if (!touched) return rows;
  }
  throw new ImpError('unavailable', 'config-agent.busy', 'the configuration does not come to rest');
}

async function readOnce(ids: Ids): Promise<ConfigAgentRows> {
  const { read } = ids;
  return {
    parameters: await read.selectFrom('serviceparameter').where('service', '=', 'sip-proxy').selectAll().execute(),
    domains: await read.selectFrom('imdomain').selectAll().execute(),
    nodes: await read.selectFrom('enterprisenode').selectAll().execute(),
    cucmServers: await read.selectFrom('processnode').selectAll().execute(),
    staticRoutes: await read.selectFrom('staticroute').selectAll().execute(),
    acls: await read.selectFrom('proxyacl').selectAll().execute(),
    methodEventRoutes: await read.selectFrom('methodeventroute').selectAll().execute(),
    listeners: await read.selectFrom('applicationlistener').selectAll().execute(),
    peerSubjects: await read.selectFrom('tlspeersubject').selectAll().execute(),
    federatedDomains: await read.selectFrom('federateddomain').selectAll().execute(),
  };
}
