import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { isStream } from '../admin/command.ts';
import { commands } from '../admin/commands.ts';
import { type TarFile, writeTar } from '../node/backup/tar.ts';
import { describeError, ImpError } from '../platform/errors.ts';
import type { RemoteNode } from './remote.ts';

/** What is asked for more than by default. */
const MORE: Readonly<Record<string, Record<string, unknown>>> = {
  audit: { limit: 1_000 },
  changes: { limit: 1_000 },
  notifications: { all: true },
};

/**
 * Asks a node for everything it can show without being told of whom, and writes the answers into one archive: what somebody
 * who is to help needs to see. Lists of users are left out; no command shows a secret.
 * @returns the names in the archive. @throws ImpError `bundle.exists`
 */
export async function writeSupportBundle(
  node: RemoteNode,
  file: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (existsSync(file)) throw new ImpError('conflict', 'bundle.exists', `${file} is there already`);
  const scratch = await mkdtemp(join(dirname(file), `.${basename(file)}-`));
  try {
    const files: TarFile[] = [];
    for (const each of commands) {
      const name = each.words.join('-');
      const isAskable = each.access === 'read' && each.positional.length === 0 && each.words[0] !== 'user';
      if (!isAskable) continue;
      const given = MORE[name] ?? {};
      let answer: unknown;
      try {
        answer = isStream(each)
          ? await all(node.stream('GET', each.words, given, signal))
          : await node.call('GET', each.words, given);
      } catch (error) {
        // One that cannot be answered now is a finding as well.
        answer = { error: describeError(error) };
      }
      const path = join(scratch, `${name}.json`);
      await writeFile(path, JSON.stringify(answer, null, 2));
      files.push({ name: `${name}.json`, path });
    }
    const whole = join(scratch, 'whole');
    await pipeline(Readable.from(writeTar(files)), createGzip(), createWriteStream(whole, { mode: 0o600 }));
    await rename(whole, file);
    return files.map(({ name }) => name);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function all(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const item of items) found.push(item);
  return found;
}
