import type { Kysely } from 'kysely';
import { createTable } from './create-table.ts';

/** The failover record of the Server Recovery Manager. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createTable(db, 'harecord', {
    key: ['node'],
    columns: { node: 'text', state: 'integer', reason: 'text', finished: 'integer', at: 'integer' },
  });
}
