import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from '../database.ts';
import type { MergeOptions, StagedTable } from '../staging.ts';

/** Rows of one statement: at some 10 µs a row it holds the process up for a few milliseconds. */
const CHUNK_ROWS = 1_000;
/** Keys of a scope in one statement. */
const CHUNK_KEYS = 400;

const list = (columns: readonly string[]): RawBuilder<unknown> => sql.raw(columns.join(', '));

/**
 * Makes `table` equal to `staging.table`, in SQL that both engines speak. Names come from code, values are bound. Must
 * run in the caller's transaction: either all of it is seen, or nothing. Answers how many rows the source had lost.
 */
export async function mergeStaged(trx: Transaction<Database>, options: MergeOptions): Promise<number> {
  let removed = 0;
  if (options.scope.kind === 'keys') {
    const { column, keys: all } = options.scope;
    for (let from = 0; from < all.length; from += CHUNK_KEYS) {
      const keys = all.slice(from, from + CHUNK_KEYS);
      const within = (alias: string): RawBuilder<unknown> =>
        sql`${sql.raw(`${alias}.${column}`)} IN (${sql.join(keys)})`;
      await upsert(trx, options.table, within('s'));
      if (!options.keepsMissing) removed += await removeMissing(trx, options, within('t'));
      await options.pause();
    }
    return removed;
  }
  const lead = options.table.key[0] as string;
  for await (const range of keyRanges(trx, `staging.${options.table.name}`, lead)) {
    await upsert(trx, options.table, range('s'));
    await options.pause();
  }
  if (options.keepsMissing) return 0;
  for await (const range of keyRanges(trx, options.table.name, lead)) {
    removed += await removeMissing(trx, options, range('t'));
    await options.pause();
  }
  return removed;
}

/**
 * Consecutive ranges of the leading key column, about `CHUNK_ROWS` rows each, as conditions on an alias.
 * @param among only rows for which it holds are counted
 */
export async function* keyRanges(
  trx: Transaction<Database>,
  table: string,
  lead: string,
  among: RawBuilder<unknown> = sql`1 = 1`,
): AsyncGenerator<(alias: string) => RawBuilder<unknown>> {
  let after: string | number | null = null;
  for (;;) {
    const from: RawBuilder<unknown> =
      after === null ? sql`WHERE ${among}` : sql`WHERE ${among} AND ${sql.raw(lead)} > ${after}`;
    const found: { rows: { last: string | number | null }[] } = await sql<{ last: string | number | null }>`
      SELECT max(lead) AS last FROM (
        SELECT ${sql.raw(lead)} AS lead FROM ${sql.raw(table)} ${from} ORDER BY ${sql.raw(lead)} LIMIT ${CHUNK_ROWS}
      ) AS chunk`.execute(trx);
    const last = found.rows[0]?.last ?? null;
    if (last === null) return;
    const low = after;
    yield (alias) => {
      const column = sql.raw(`${alias}.${lead}`);
      return low === null ? sql`${column} <= ${last}` : sql`${column} > ${low} AND ${column} <= ${last}`;
    };
    after = last;
  }
}

async function upsert(trx: Transaction<Database>, table: StagedTable, within: RawBuilder<unknown>): Promise<void> {
  const name = sql.raw(table.name);
  const isSoft = table.removal.kind === 'soft';
  const others = table.columns.filter((column) => !table.key.includes(column));
  const set = [...others.map((column) => `${column} = excluded.${column}`), ...(isSoft ? ['deletedat = NULL'] : [])];
  const differs = [
    ...others.map((column) => `${table.name}.${column} IS DISTINCT FROM excluded.${column}`),
    ...(isSoft ? [`${table.name}.deletedat IS NOT NULL`] : []),
  ];
  const conflict =
    set.length === 0
      ? sql`DO NOTHING`
      : sql`DO UPDATE SET ${sql.raw(set.join(', '))} WHERE ${sql.raw(differs.join(' OR '))}`;
  await sql`
    INSERT INTO ${name} (${list(table.columns)})
    SELECT ${list(table.columns.map((column) => `s.${column}`))} FROM ${sql.raw(`staging.${table.name}`)} AS s
    WHERE ${within}
    ON CONFLICT (${list(table.key)}) ${conflict}`.execute(trx);
}

async function removeMissing(
  trx: Transaction<Database>,
  { table, now }: MergeOptions,
  within: RawBuilder<unknown>,
): Promise<number> {
  const name = sql.raw(table.name);
  const sameKey = sql.raw(table.key.map((column) => `s.${column} = t.${column}`).join(' AND '));
  const owned = table.ownedWhere === undefined ? sql`` : sql`AND ${sql.raw(table.ownedWhere)}`;
  const isMissing = sql`${within} ${owned}
    AND NOT EXISTS (SELECT 1 FROM ${sql.raw(`staging.${table.name}`)} AS s WHERE ${sameKey})`;
  const removal =
    table.removal.kind === 'soft'
      ? sql`UPDATE ${name} AS t SET deletedat = ${now} WHERE t.deletedat IS NULL AND ${isMissing}`
      : sql`DELETE FROM ${name} AS t WHERE ${isMissing}`;
  return Number((await removal.execute(trx)).numAffectedRows ?? 0);
}

/** Deletes rows that were softly deleted before `before`; answers how many. */
export async function purgeStaged(
  trx: Transaction<Database>,
  tables: readonly StagedTable[],
  before: number,
): Promise<number> {
  let purged = 0;
  for (const table of tables) {
    if (table.removal.kind !== 'soft') continue;
    const result = await sql`DELETE FROM ${sql.raw(table.name)} WHERE deletedat < ${before}`.execute(trx);
    purged += Number(result.numAffectedRows ?? 0);
  }
  return purged;
}
