import type { Kysely } from 'kysely';
import { createWatchedTable } from './create-table.ts';

/** Which phone each user of remote call control has chosen. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createWatchedTable(db, 'rccselection', {
    key: ['fkenduser'],
    columns: { fkenduser: 'text', device: 'text', dnorpattern: 'text', partition: 'text', chosenat: 'integer' },
  });
}
