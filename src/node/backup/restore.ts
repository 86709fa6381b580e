import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import { describeError, ImpError } from '../../platform/errors.ts';
import { type BackupManifest, isBackedUp, MANIFEST } from './backup.ts';
import { damaged, readTar } from './tar.ts';

const manifestShape = z.object({
  format: z.literal(1),
  version: z.string(),
  at: z.string(),
  files: z.record(z.string(), z.string()),
});

const MOST_MANIFEST_BYTES = 1024 * 1024;

/**
 * Makes a data folder out of a backup. Everything is checked before the folder appears under its name.
 * @throws ImpError `restore.not-empty`, `restore.no-backup`, `backup.damaged`
 */
export async function restore(file: string, dataFolder: string): Promise<BackupManifest> {
  if (!existsSync(file)) throw new ImpError('not-found', 'restore.no-backup', `there is no file ${file}`);
  if (existsSync(dataFolder) && (await readdir(dataFolder)).length > 0) {
    const hint = 'move it away, or name another folder with --data';
    throw new ImpError('conflict', 'restore.not-empty', `${dataFolder} is not empty: ${hint}`);
  }
  await mkdir(dirname(dataFolder), { recursive: true });
  const made = await mkdtemp(join(dirname(dataFolder), `.${basename(dataFolder)}-`));
  try {
    const digests = await extract(file, made);
    const manifest = await readManifest(join(made, MANIFEST));
    for (const [name, digest] of Object.entries(manifest.files)) {
      if (digests.get(name) !== digest) throw damaged(`${name} is not as it was backed up`);
    }
    if (digests.size !== Object.keys(manifest.files).length + 1) throw damaged('it holds files that it does not name');
    await rm(join(made, MANIFEST));
    await chmod(made, 0o700);
    if (existsSync(dataFolder)) await rmdir(dataFolder);
    await rename(made, dataFolder);
    return manifest;
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

/** Digests by name. */
async function extract(file: string, folder: string): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>();
  const unzipped = createReadStream(file).pipe(createGunzip());
  try {
    await readTar(unzipped, {
      async open(name, size) {
        const isManifest = name === MANIFEST && size <= MOST_MANIFEST_BYTES;
        if (digests.has(name) || (!isManifest && !isBackedUp(name))) throw damaged(`${name} does not belong into it`);
        const path = join(folder, name);
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        const handle = await open(path, 'wx', 0o600);
        const hash = createHash('sha256');
        return {
          async write(piece) {
            hash.update(piece);
            await handle.writeFile(piece);
          },
          async close() {
            await handle.sync();
            await handle.close();
            digests.set(name, hash.digest('hex'));
          },
        };
      },
    });
  } catch (error) {
    if (error instanceof ImpError) throw error;
    throw damaged(describeError(error));
  } finally {
    unzipped.destroy();
  }
  return digests;
}

async function readManifest(path: string): Promise<BackupManifest> {
  try {
    return manifestShape.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    throw damaged('it does not say what it holds');
  }
}
