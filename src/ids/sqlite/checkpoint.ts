import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { fromSqlite } from '../errors.ts';
import type { CheckpointAnswer } from './checkpoint-thread.ts';
import type { SqliteIds } from './sqlite-ids.ts';

/** Never by itself: SQLite would do it within the commit that meets the limit. */
const NEVER = 0;

/**
 * Runs a task that writes much. What it wrote stays in the log until it is over, and is then brought into the database
 * file by a thread of its own: within the commit it holds up the whole process, a second for each 100 MB.
 * @throws IdsError
 */
export async function withLateCheckpoint<T>(ids: SqliteIds, task: () => Promise<T>): Promise<T> {
  const [file, usual] = await ids.write((database) => {
    const pages = Number(database.pragma('wal_autocheckpoint', { simple: true }));
    database.pragma(`wal_autocheckpoint = ${NEVER}`);
    return [database.name, pages] as const;
  });
  try {
    const result = await task();
    await checkpointBeside(file);
    return result;
  } finally {
    await ids.write((database) => void database.pragma(`wal_autocheckpoint = ${usual}`));
  }
}

async function checkpointBeside(file: string): Promise<void> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const thread = new Worker(new URL(`./checkpoint-thread.${extension}`, import.meta.url), { workerData: file });
  const [answer] = (await once(thread, 'message')) as [CheckpointAnswer];
  await thread.terminate();
  if (answer !== null) throw fromSqlite(Object.assign(new Error(answer.message), { code: answer.code }));
}
