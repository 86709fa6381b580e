import type { Kysely } from 'kysely';
import { createTable } from './create-table.ts';

/** Persistent rooms of the Text Conference Manager. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createTable(db, 'tcroom', {
    key: ['room'],
    columns: { room: 'text', config: 'text', subject: 'text', subjectid: 'text', subjectat: 'integer' },
  });
  await createTable(db, 'tcroomaffiliation', {
    key: ['room', 'jid'],
    columns: { room: 'text', jid: 'text', affiliation: 'text', reason: 'text' },
  });
  await createTable(db, 'tcroommessage', {
    key: ['room', 'id'],
    columns: { room: 'text', id: 'text', at: 'integer', stanza: 'text' },
  });
}
