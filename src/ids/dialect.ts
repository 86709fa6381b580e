import { type Kysely, PostgresAdapter } from 'kysely';

export type IdsDialect = 'sqlite' | 'postgres';

/** Which engine a connection of the IDS speaks to: migrations write the same tables in the words of either. */
export function dialectOf(db: Kysely<unknown>): IdsDialect {
  return db.getExecutor().adapter instanceof PostgresAdapter ? 'postgres' : 'sqlite';
}
