import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { ImpError } from '../platform/errors.ts';

/**
 * Keeps two processes off one data folder. The lock is the operating system's own on a small SQLite file, so it
 * vanishes with the process, `kill -9` included.
 * @throws ImpError `node.data-in-use`, `node.data-unusable`
 */
export function lockDataFolder(folder: string): Disposable {
  let database: Sqlite.Database | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    database = new Sqlite(join(folder, 'lock'), { timeout: 0 });
    database.pragma('locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    if ((cause as { code?: string }).code?.startsWith('SQLITE_BUSY')) {
      throw new ImpError(
        'conflict',
        'node.data-in-use',
        `another process runs on ${folder}: stop it, or name another folder with --data`,
      );
    }
    throw new ImpError('unavailable', 'node.data-unusable', `the data folder ${folder} cannot be used`, { cause });
  }
  const locked = database;
  return { [Symbol.dispose]: () => void locked.close() };
}
