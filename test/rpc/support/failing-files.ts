import type { FileHandle } from 'node:fs/promises';
import * as fs from 'node:fs/promises';
import type { FileOperations } from '../../../src/rpc/handover/file-store.ts';

/** File operations of which one fails, and every one after it: the disk, or the process, is gone. */
export interface FailingFiles extends FileOperations {
  /** How many operations that write go well; -1: all. */
  left: number;
  code: string;
  /** Operations that write so far. */
  done: number;
}

export function createFailingFiles(): FailingFiles {
  const files = { left: -1, code: 'ENOSPC', done: 0 } as { left: number; code: string; done: number };
  const step = (): void => {
    if (files.left === 0) throw Object.assign(new Error(`${files.code}: it fails`), { code: files.code });
    if (files.left > 0) files.left -= 1;
    files.done += 1;
  };
  const wrapped = (file: FileHandle): FileHandle =>
    new Proxy(file, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        const bound = value.bind(target) as (...given: unknown[]) => unknown;
        if (name !== 'writeFile' && name !== 'sync') return bound;
        return async (...given: unknown[]) => {
          step();
          return await bound(...given);
        };
      },
    });
  const operations: FileOperations = {
    mkdir: fs.mkdir,
    readFile: fs.readFile,
    readdir: fs.readdir,
    open: (async (...given: Parameters<typeof fs.open>) => {
      step();
      return wrapped(await fs.open(...given));
    }) as typeof fs.open,
    rename: async (from, to) => {
      step();
      await fs.rename(from, to);
    },
    unlink: async (path) => {
      step();
      await fs.unlink(path);
    },
  };
  return Object.assign(files, operations);
}
