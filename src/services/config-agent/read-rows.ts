import type { Selectable } from 'kysely';
import type { ChangeFeed } from '../../ids/change-feed.ts';
import { readAtOneMoment } from '../../ids/consistent-read.ts';
import type { Database, WatchedTable } from '../../ids/database.ts';
import type { Ids } from '../../ids/ids.ts';

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
  'interclusternode',
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
  readonly peerNodes: Rows<'interclusternode'>;
}

/** @throws ImpError `ids.not-at-rest` */
export async function readRows(ids: Ids, changeFeed: ChangeFeed): Promise<ConfigAgentRows> {
  return await readAtOneMoment(ids, changeFeed, CONFIG_AGENT_TABLES, async (db) => ({
    parameters: await db.selectFrom('serviceparameter').where('service', '=', 'sip-proxy').selectAll().execute(),
    domains: await db.selectFrom('imdomain').selectAll().execute(),
    nodes: await db.selectFrom('enterprisenode').selectAll().execute(),
    cucmServers: await db.selectFrom('processnode').selectAll().execute(),
    staticRoutes: await db.selectFrom('staticroute').selectAll().execute(),
    acls: await db.selectFrom('proxyacl').selectAll().execute(),
    methodEventRoutes: await db.selectFrom('methodeventroute').selectAll().execute(),
    listeners: await db.selectFrom('applicationlistener').selectAll().execute(),
    peerSubjects: await db.selectFrom('tlspeersubject').selectAll().execute(),
    federatedDomains: await db.selectFrom('federateddomain').selectAll().execute(),
    peerNodes: await db.selectFrom('interclusternode').selectAll().execute(),
  }));
}
