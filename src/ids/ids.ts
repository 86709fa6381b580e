import type { Kysely, Transaction } from 'kysely';
import type { Database } from './database.ts';

/** Who writes; stamped on every change, so that it is never sent back to where it came from. */
export type Origin = 'cucm' | 'client' | 'administrator' | 'node' | `peer:${string}`;

/**
 * The configuration database of the node, one door for both engines (docs/services/ids.md).
 * What a transaction committed survives `kill -9`.
 */
export interface Ids extends AsyncDisposable {
  /** Reads committed data; never waits for a running transaction. Writing through it is an error. */
  readonly read: Kysely<Database>;
  /**
   * Runs `task` in one transaction, after those before it. All awaits inside must be on `trx`: gather over the network
   * first. A rejection rolls everything back, the change log included.
   */
  transaction<T>(origin: Origin, task: (trx: Transaction<Database>) => Promise<T>): Promise<T>;
}
