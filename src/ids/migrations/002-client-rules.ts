import type { Kysely } from 'kysely';
import { createWatchedTable } from './create-table.ts';

/** Presence rules of users, and the dial rules that clients read. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createWatchedTable(db, 'presencerule', {
    key: ['fkenduser', 'ruleid'],
    columns: {
      fkenduser: 'text',
      ruleid: 'text',
      position: 'integer',
      name: 'text',
      enabled: 'integer',
      watchers: 'text',
      policy: 'text',
    },
  });
  await createWatchedTable(db, 'dialrule', {
    key: ['pkid'],
    columns: {
      pkid: 'text',
      type: 'text',
      name: 'text',
      priority: 'integer',
      beginswith: 'text',
      digits: 'integer',
      digitsremoved: 'integer',
      prepend: 'text',
    },
  });
}
