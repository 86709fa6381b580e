import { RpcError } from './errors.ts';

/** Cuts a byte stream into lines of UTF-8. Bounded: a line longer than the limit is an error, never kept. */
export interface LineSplitter {
  /**
   * The lines that `chunk` completes, without their ends (LF or CR LF); empty ones are left out.
   * @throws RpcError `rpc.line-too-long`, `rpc.not-utf8`; nothing can be read after that.
   */
  push(chunk: Uint8Array): readonly string[];
  /** Bytes of the line that is not complete yet. */
  readonly pendingBytes: number;
}

const LF = 0x0a;
const CR = 0x0d;

export function createLineSplitter(maxBytes: number): LineSplitter {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let parts: Uint8Array[] = [];
  let pending = 0;
  const keep = (part: Uint8Array): void => {
    pending += part.length;
    // One more than the limit may still turn out to be the CR of the line's end.
    if (pending > maxBytes + 1) throw tooLong(maxBytes);
    if (part.length > 0) parts.push(part);
  };
  const take = (): string => {
    const bytes = parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
    parts = [];
    pending = 0;
    const line = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
    if (line.length > maxBytes) throw tooLong(maxBytes);
    try {
      return decoder.decode(line);
    } catch (cause) {
      throw new RpcError('rpc.not-utf8', 'a line is not UTF-8', { cause });
    }
  };
  return {
    push(chunk) {
      const lines: string[] = [];
      let from = 0;
      for (let end = chunk.indexOf(LF, from); end >= 0; end = chunk.indexOf(LF, from)) {
        keep(chunk.subarray(from, end));
        const line = take();
        if (line !== '') lines.push(line);
        from = end + 1;
      }
      keep(chunk.subarray(from));
      return lines;
    },
    get pendingBytes() {
      return pending;
    },
  };
}

function tooLong(maxBytes: number): RpcError {
  return new RpcError('rpc.line-too-long', `a line is longer than ${maxBytes} bytes`);
}
