import { isUtf8 } from 'node:buffer';
import { StreamError } from './stream-error.ts';

/** Turns pieces of a byte stream into text; a character may lie on both sides of a cut. */
export interface Utf8Reader {
  /** @throws StreamError `not-well-formed` */
  read(bytes: Uint8Array): string;
}

const NONE = Buffer.alloc(0);

/**
 * As strict as a fatal TextDecoder, but an idle one holds no decoder of its own: a server has one for each connection.
 */
export function createUtf8Reader(): Utf8Reader {
  let carried = NONE;
  return {
    read(bytes) {
      const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const all = carried.length === 0 ? piece : Buffer.concat([carried, piece]);
      const cut = all.length - unfinished(all);
      const whole = cut === all.length ? all : all.subarray(0, cut);
      if (!isUtf8(whole)) throw new StreamError('not-well-formed', 'the stream is not UTF-8');
      carried = cut === all.length ? NONE : Buffer.from(all.subarray(cut));
      return whole.toString('utf8');
    },
  };
}

/** How many bytes at the end begin a character that they do not finish. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? back : 0;
    }
  }
  return 0;
}
