import type { Kysely } from 'kysely';
import { createWatchedTable } from './create-table.ts';

/** What SIP users are known by. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createWatchedTable(db, 'sipcredential', {
    key: ['userid'],
    columns: { userid: 'text', username: 'text', realm: 'text', ha1md5: 'text', ha1sha256: 'text' },
  });
}
