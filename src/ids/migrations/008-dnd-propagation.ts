import type { Kysely } from 'kysely';
import { createWatchedTable } from './create-table.ts';

/** Phones that do not disturb because their users' presence says so. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createWatchedTable(db, 'dndpropagation', {
    key: ['fkdevice'],
    columns: { fkdevice: 'text', fkenduser: 'text', dnd: 'integer', done: 'integer', at: 'integer' },
    indexes: ['fkenduser'],
  });
}
