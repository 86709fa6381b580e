/** The thread that brings a database's log into its file; see `checkpoint.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';

/** What it answers: null when done, else SQLite's code and message. */
export type CheckpointAnswer = { readonly code: string; readonly message: string } | null;

let answer: CheckpointAnswer = null;
try {
  const database = new Sqlite(workerData as string);
  // Passive: it waits for nobody and nobody waits for it. What a reader still needs is left to the next one.
  database.pragma('wal_checkpoint(PASSIVE)');
  database.close();
} catch (error) {
  answer = { code: String((error as { code?: unknown }).code ?? ''), message: (error as Error).message };
}
parentPort?.postMessage(answer);
