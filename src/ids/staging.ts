import type { Transaction } from 'kysely';
import type { Database } from './database.ts';

/** A table of the IDS that is filled from outside: which of its columns the source owns. */
export interface StagedTable {
  readonly name: keyof Database & string;
  /** The first column leads the order in which chunks are merged. */
  readonly key: readonly string[];
  /** Columns the source owns, the key's included; others are left alone. */
  readonly columns: readonly string[];
  /** What happens to a row that the source no longer has. */
  readonly removal:
    | { readonly kind: 'hard' }
    /** `deletedat` is set; `purgeStaged` deletes it later. A row that comes back lives on. */
    | { readonly kind: 'soft' };
  /** SQL over the table's columns: only rows for which it holds are the source's to remove. */
  readonly ownedWhere?: string;
}

export type StagedRow = Readonly<Record<string, string | number | null>>;

/** Everything, or only the rows whose `column` is one of `keys`: some objects, or what belongs to some parents. */
export type MergeScope =
  | { readonly kind: 'all' }
  | { readonly kind: 'keys'; readonly column: string; readonly keys: readonly string[] };

export interface MergeOptions {
  readonly table: StagedTable;
  readonly scope: MergeScope;
  /** Rows that the source no longer has are kept. */
  readonly keepsMissing: boolean;
  /** For `deletedat`: milliseconds since the epoch. */
  readonly now: number;
  /** Awaited between chunks, so that a long merge does not hold up the process. */
  readonly pause: () => Promise<void>;
}

/**
 * A scratch area beside the IDS: rows are streamed in page by page, then merged set-wise in one transaction, so that
 * only real differences become changes. It outlives `kill -9` together with the list of stages that are whole, so that
 * an interrupted read goes on where it was; after a power cut it may be gone, and the read begins anew.
 */
export interface Staging {
  /** Begins a run: empties the area, unless it holds this very run. Answers the stages that are whole, with their counts. */
  begin(run: string): Promise<ReadonlyMap<string, number>>;
  /** Empties one table. */
  clear(table: StagedTable): Promise<void>;
  /**
   * Empties one table and lets rows in as they come, without looking for known keys, until `completeStage` sorts them:
   * for very many rows that come in any order.
   */
  load(table: StagedTable): Promise<void>;
  /** Adds rows; one with a known key replaces it. */
  put(table: StagedTable, rows: readonly StagedRow[]): Promise<void>;
  /** Marks a stage as whole, and with it the tables that were loaded: of rows with one key, the last one is kept. */
  completeStage(stage: string, count: number, loaded: readonly StagedTable[]): Promise<void>;
  count(table: StagedTable): Promise<number>;
  /** Of these keys, by the first column of the table's, those of which no row is staged. */
  absent(table: StagedTable, keys: readonly string[]): Promise<string[]>;
  /** Empties everything. */
  end(): Promise<void>;
  /** Runs a transaction that writes much, so that its end does not hold up the process. */
  atLength<T>(transaction: () => Promise<T>): Promise<T>;
  /**
   * Within the caller's transaction: makes the table equal to what is staged, in the given scope. Answers how many rows
   * the source had lost.
   */
  merge(trx: Transaction<Database>, options: MergeOptions): Promise<number>;
}
