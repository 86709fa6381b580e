import { createWriteStream, existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import Sqlite from 'better-sqlite3';
import { type Clock, isoTime } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';
import { digestOf, type TarFile, writeTar } from './tar.ts';

/** First file of a backup: what it is, and what must come out of it. */
export const MANIFEST = 'backup.json';

export interface BackupManifest {
  readonly format: 1;
  /** Of imp-gateway. */
  readonly version: string;
  /** ISO 8601. */
  readonly at: string;
  /** SHA-256 by name. */
  readonly files: Readonly<Record<string, string>>;
}

/** Databases, copied whole while a node writes to them. */
const DATABASES = ['ids/ids.db', 'mock-cucm/cucm.db'];
/** What the agents write is made anew out of the IDS, the staging area is a sync's scratch. */
const FILES = ['admin.token'];
const FOLDERS = ['certs', 'logs'];

/** What a backup may hold: nothing else is written at a restore. */
export function isBackedUp(name: string): boolean {
  return DATABASES.includes(name) || FILES.includes(name) || /^(?:certs|logs)\/[A-Za-z0-9][A-Za-z0-9.-]*$/.test(name);
}

/**
 * Writes a backup of a data folder: the IDS as it is at one moment, keys and certificates, the admin token, the audit
 * log. A node may run on it meanwhile. The file holds secrets, and is readable by its owner only.
 * @throws ImpError `backup.no-data`, `backup.exists`
 */
export async function backUp(
  dataFolder: string,
  file: string,
  { version, clock }: { readonly version: string; readonly clock: Clock },
): Promise<BackupManifest> {
  if (!existsSync(join(dataFolder, 'ids', 'ids.db'))) {
    throw new ImpError('not-found', 'backup.no-data', `${dataFolder} is not the data folder of a node`);
  }
  if (existsSync(file)) throw new ImpError('conflict', 'backup.exists', `${file} is there already`);
  await mkdir(dirname(file), { recursive: true });
  const scratch = await mkdtemp(join(dirname(file), `.${basename(file)}-`));
  try {
    const files: TarFile[] = [];
    for (const name of DATABASES) {
      if (!existsSync(join(dataFolder, name))) continue;
      const copy = join(scratch, basename(name));
      await copyDatabase(join(dataFolder, name), copy);
      files.push({ name, path: copy });
    }
    for (const name of await otherFiles(dataFolder)) {
      // Copied, as a log grows while it is read.
      const copy = join(scratch, name.replaceAll('/', '-'));
      await copyFile(join(dataFolder, name), copy);
      files.push({ name, path: copy });
    }
    const digests = await Promise.all(files.map(async ({ name, path }) => [name, await digestOf(path)] as const));
    const manifest: BackupManifest = {
      format: 1,
      version,
      at: isoTime(clock.now()),
      files: Object.fromEntries(digests),
    };
    const path = join(scratch, MANIFEST);
    await writeFile(path, JSON.stringify(manifest, null, 2));
    const whole = join(scratch, 'whole');
    await pipeline(
      Readable.from(writeTar([{ name: MANIFEST, path }, ...files])),
      createGzip(),
      createWriteStream(whole, { mode: 0o600 }),
    );
    await rename(whole, file);
    return manifest;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** SQLite's own way of copying a database that is in use. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const database = new Sqlite(from, { readonly: true });
  try {
    await database.backup(to);
  } finally {
    database.close();
  }
}

async function otherFiles(dataFolder: string): Promise<string[]> {
  const found = FILES.filter((name) => existsSync(join(dataFolder, name)));
  for (const folder of FOLDERS) {
    if (!existsSync(join(dataFolder, folder))) continue;
    for (const name of await readdir(join(dataFolder, folder))) found.push(`${folder}/${name}`);
  }
  return found.filter(isBackedUp);
}
