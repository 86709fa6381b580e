import type { Kysely } from 'kysely';
import type { Database } from '../../ids/database.ts';

/** The service's name in `serviceparameter`, in alarms and counters. */
export const CPA_SERVICE = 'client-profile-agent';

/** A clusterwide service parameter of the Client Profile Agent, by name in any case; '' when it is not set. */
export async function readParameter(db: Kysely<Database>, name: string): Promise<string> {
  const row = await db
    .selectFrom('serviceparameter')
    .select('value')
    .where('service', '=', CPA_SERVICE)
    .where('node', '=', '')
    .where((eb) => eb(eb.fn<string>('lower', ['name']), '=', name.toLowerCase()))
    .executeTakeFirst();
  return row?.value ?? '';
}

/** All clusterwide service parameters of the Client Profile Agent. */
export async function readParameters(db: Kysely<Database>): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom('serviceparameter')
    .select(['name', 'value'])
    .where('service', '=', CPA_SERVICE)
    .where('node', '=', '')
    .execute();
  return new Map(rows.map(({ name, value }) => [name, value]));
}
