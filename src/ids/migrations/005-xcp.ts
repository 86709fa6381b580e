import type { Kysely } from 'kysely';
import { createTable, createWatchedTable } from './create-table.ts';

/** What the XCP Router keeps for users beside their contact lists. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createWatchedTable(db, 'subscriptiondetail', {
    key: ['fkenduser', 'contact'],
    columns: { fkenduser: 'text', contact: 'text', approved: 'integer', request: 'text', requestedat: 'integer' },
  });
  await createTable(db, 'offlinemessage', {
    key: ['id'],
    columns: { id: 'text', fkenduser: 'text', receivedat: 'integer', stanza: 'text' },
    indexes: ['fkenduser, id'],
  });
  await createTable(db, 'privatexml', {
    key: ['fkenduser', 'name'],
    columns: { fkenduser: 'text', name: 'text', content: 'text' },
  });
  await createTable(db, 'vcard', {
    key: ['fkenduser'],
    columns: { fkenduser: 'text', content: 'text' },
  });
}
