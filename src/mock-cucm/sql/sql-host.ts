/**
 * The process in which clients' SQL runs: one statement at a time, as the parent sends them. It ends with its parent,
 * even in the middle of a statement.
 */
import { Worker } from 'node:worker_threads';
import { openSqlDatabase } from './sql-database.ts';
import { fromSqlite } from './sql-errors.ts';
import { READY, type SqlAnswer, type SqlJob } from './sql-runner.ts';

const WATCH = `
  const parent = process.ppid;
  setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 500);
`;

const database = openSqlDatabase(process.argv[2] as string);
process.on('disconnect', () => process.exit(0));
// A statement blocks this thread: only another one can see that the parent is gone.
new Worker(WATCH, { eval: true }).unref();

process.on('message', (job: SqlJob) => {
  let answer: SqlAnswer;
  try {
    answer = { ok: true, answer: job.kind === 'query' ? database.query(job.sql) : database.update(job.sql) };
  } catch (error) {
    const fault = fromSqlite(error);
    answer = { ok: false, axlCode: fault.axlCode, message: fault.message };
  }
  process.send?.(answer);
});
process.send?.(READY);
