import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ImpError } from '../../platform/errors.ts';

/** Archives in the form that every tar reads: POSIX ustar (IEEE Std 1003.1, pax), regular files only. */

const BLOCK = 512;
const LARGEST_BYTES = 8 ** 11 - 1;
const LONGEST_NAME = 100;

/** A file to be archived. */
export interface TarFile {
  /** In the archive: `ids/ids.db`. */
  readonly name: string;
  readonly path: string;
}

/** Yields the archive in pieces; a file must not change its size meanwhile. */
export async function* writeTar(files: readonly TarFile[]): AsyncIterable<Buffer> {
  for (const { name, path } of files) {
    const { size, mtimeMs } = await stat(path);
    yield header(name, size, Math.floor(mtimeMs / 1000));
    let bytes = 0;
    for await (const chunk of createReadStream(path, { end: Math.max(0, size - 1) })) {
      bytes += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
    if (bytes !== size) throw new ImpError('conflict', 'backup.file-changed', `${name} changed while it was read`);
    yield Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function header(name: string, size: number, seconds: number): Buffer {
  if (Buffer.byteLength(name) > LONGEST_NAME || size > LARGEST_BYTES) {
    throw new ImpError('invalid', 'backup.unfit', `${name} does not fit into an archive`);
  }
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;
  block.write(name, 0);
  block.write(octal(0o600, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(seconds, 12), 136);
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\x0000', 257);
  block.write(`${checksumOf(block).toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function checksumOf(block: Buffer): number {
  let sum = 0;
  for (let at = 0; at < BLOCK; at += 1) sum += at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
  return sum;
}

/** What is done with each file of an archive, piece by piece. */
export interface TarSink {
  open(name: string, size: number): Promise<{ write(piece: Buffer): Promise<void>; close(): Promise<void> }>;
}

/** Reads an archive. Anything but regular files, and whatever is not whole, is refused. @throws ImpError `backup.damaged` */
export async function readTar(pieces: AsyncIterable<Buffer>, sink: TarSink): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  const iterator = pieces[Symbol.asyncIterator]();
  const more = async (): Promise<void> => {
    const next = await iterator.next();
    if (next.done === true) throw damaged('it ends too early');
    rest = rest.length === 0 ? next.value : Buffer.concat([rest, next.value]);
  };
  const take = async (most: number, least: number): Promise<Buffer> => {
    while (rest.length < least) await more();
    const taken = rest.subarray(0, Math.min(most, rest.length));
    rest = rest.subarray(taken.length);
    return taken;
  };
  for (;;) {
    const block = await take(BLOCK, BLOCK);
    if (block.every((byte) => byte === 0)) return;
    const text = (from: number, length: number): string =>
      block.toString('utf8', from, from + length).replace(/\0.*$/s, '');
    const type = text(156, 1);
    if (parseInt(text(148, 8), 8) !== checksumOf(block) || (type !== '0' && type !== '')) {
      throw damaged('a header is not right');
    }
    const size = parseInt(text(124, 12), 8);
    if (!Number.isSafeInteger(size)) throw damaged('a size is not right');
    const file = await sink.open(text(0, LONGEST_NAME), size);
    for (let left = size; left > 0; ) {
      const piece = await take(left, 1);
      left -= piece.length;
      await file.write(piece);
    }
    await file.close();
    const padding = (BLOCK - (size % BLOCK)) % BLOCK;
    if (padding > 0) await take(padding, padding);
  }
}

export function damaged(why: string): ImpError {
  return new ImpError('invalid', 'backup.damaged', `the backup is damaged: ${why}`);
}

/** SHA-256 in hexadecimal. */
export async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
