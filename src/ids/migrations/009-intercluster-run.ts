import { type Kysely, sql } from 'kysely';

/** A comparison with a peer keeps in memory whom it has seen: marking each row cost more than all else. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('ALTER TABLE interclusteruser DROP COLUMN run').execute(db);
  // Users of a peer are counted at each change.
  await sql.raw('CREATE INDEX interclusteruser_by_peer ON interclusteruser (peerid)').execute(db);
}
