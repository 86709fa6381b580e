import { sql, type Transaction } from 'kysely';
import type { Database } from '../../ids/database.ts';
import type { Ids } from '../../ids/ids.ts';
import { purgeStaged } from '../../ids/staging/merge.ts';
import { SYNCED_TABLES } from './tables.ts';

/** What a removed user can get back by coming back. */
export const KEPT_AFTER_REMOVAL_MS = 24 * 60 * 60 * 1000;

/** Tables whose rows belong to one user, by their column. */
const OWN_TABLES = [
  'rostergroup',
  'rosteritem',
  'contactinfo',
  'peuriacl',
  'presencerule',
  'enduserproperty',
  'rccselection',
  'subscriptiondetail',
  'offlinemessage',
  'privatexml',
  'vcard',
] as const satisfies readonly (keyof Database)[];

/** Deletes for good what was removed from CUCM a day ago, and what those users had here. Answers how many rows of CUCM's. */
export async function purgeRemoved(ids: Ids, now: number): Promise<number> {
  const before = now - KEPT_AFTER_REMOVAL_MS;
  const due = await ids.read
    .selectFrom('enduser')
    .where('deletedat', '<', before)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirst();
  const others = await Promise.all(
    (['device', 'numplan', 'applicationuser', 'dirgroup'] as const).map((table) =>
      ids.read.selectFrom(table).where('deletedat', '<', before).select('pkid').limit(1).executeTakeFirst(),
    ),
  );
  if (Number(due?.count ?? 0) === 0 && others.every((row) => row === undefined)) return 0;
  return await ids.transaction('cucm', async (trx) => {
    await purgeOwn(trx, before);
    return await purgeStaged(trx, SYNCED_TABLES, before);
  });
}

async function purgeOwn(trx: Transaction<Database>, before: number): Promise<void> {
  const gone = sql`SELECT pkid FROM enduser WHERE deletedat < ${before}`;
  await sql`DELETE FROM rosteritemgroup WHERE fkrosteritem IN (
    SELECT pkid FROM rosteritem WHERE fkenduser IN (${gone}))`.execute(trx);
  for (const table of OWN_TABLES) {
    await sql`DELETE FROM ${sql.table(table)} WHERE fkenduser IN (${gone})`.execute(trx);
  }
  await sql`DELETE FROM credentialverifier WHERE kind = 'enduser' AND userid IN (
    SELECT lower(userid) FROM enduser WHERE deletedat < ${before})
    AND userid NOT IN (SELECT lower(userid) FROM enduser WHERE deletedat IS NULL)`.execute(trx);
}
