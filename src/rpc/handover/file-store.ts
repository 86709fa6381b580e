import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '../../platform/errors.ts';
import { ConfigurationError } from './errors.ts';

/** What is used of `node:fs/promises`; a test makes any of them fail. */
export type FileOperations = Pick<typeof fs, 'mkdir' | 'open' | 'readFile' | 'readdir' | 'rename' | 'unlink'>;

/** The files of one configuration folder. */
export interface FileStore {
  /** @throws ConfigurationError `configuration.missing`, `configuration.unreadable` */
  read(name: string): Promise<string>;
  /** Whole or not at all, and on the disk when it resolves. @throws ConfigurationError `configuration.write` */
  write(name: string, text: string): Promise<void>;
  /** Deletes what `isStale` names. What cannot be deleted stays: nothing reads it. */
  tidy(isStale: (name: string) => boolean): Promise<void>;
}

/** Others of the group may read: the consumer may run as another user. */
const FILE_MODE = 0o640;

export function createFileStore(folder: string, operations: FileOperations = fs): FileStore {
  return {
    async read(name) {
      try {
        return new TextDecoder('utf-8', { fatal: true }).decode(await operations.readFile(join(folder, name)));
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
          throw new ConfigurationError('configuration.missing', name, 'the file is missing', { cause });
        }
        if (cause instanceof TypeError) {
          throw new ConfigurationError('configuration.malformed', name, 'the file is not UTF-8', { cause });
        }
        throw new ConfigurationError('configuration.unreadable', name, 'the file cannot be read', { cause });
      }
    },
    async write(name, text) {
      const temporary = join(folder, `.${name}.new`);
      try {
        await operations.mkdir(folder, { recursive: true, mode: 0o750 });
        await writeThrough(operations, temporary, text);
        await operations.rename(temporary, join(folder, name));
        // The rename is on the disk when the folder is.
        const directory = await operations.open(folder, 'r');
        try {
          await directory.sync();
        } finally {
          await directory.close();
        }
      } catch (cause) {
        await operations.unlink(temporary).catch(() => undefined);
        throw new ConfigurationError('configuration.write', name, `cannot be written in ${folder}`, { cause });
      }
    },
    async tidy(isStale) {
      for (const name of (await operations.readdir(folder)).filter(isStale)) {
        try {
          await operations.unlink(join(folder, name));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
            throw new ConfigurationError('configuration.write', name, `cannot be deleted: ${describeError(error)}`);
          }
        }
      }
    },
  };
}

async function writeThrough(operations: FileOperations, path: string, text: string): Promise<void> {
  const file = await operations.open(path, 'w', FILE_MODE);
  try {
    await file.writeFile(text, 'utf8');
    await file.sync();
  } finally {
    await file.close();
  }
}
