import type { Markup } from '../../xml/write.ts';
import { AXL_CODE, AxlFault } from './axl-fault.ts';

/** Most bytes of one reply. */
export const REPLY_LIMIT = 8 * 1024 * 1024;
/** A UTF-16 unit is three bytes of UTF-8 at most. */
const MOST_BYTES_PER_UNIT = 3;

/** Collects rows up to the limit of a reply, in bytes as they will be sent. */
export interface ReplyBuilder {
  /** False when the row does not fit any more. */
  add(row: string): boolean;
  readonly rows: number;
  /** The rows in `return`. */
  returned(): Markup;
  /** The same in parts. */
  returnedParts(): readonly Markup[];
}

export function createReplyBuilder(limit = REPLY_LIMIT): ReplyBuilder {
  const parts: string[] = [];
  // Rows are measured only when they could come near the limit: most replies never do.
  let measured = 0;
  let bytes = 0;
  let mostBytes = 0;
  const measure = (): void => {
    for (; measured < parts.length; measured += 1) bytes += Buffer.byteLength(parts[measured] as string, 'utf8');
    mostBytes = bytes;
  };
  return {
    add(row) {
      parts.push(row);
      mostBytes += row.length * MOST_BYTES_PER_UNIT;
      if (mostBytes <= limit) return true;
      measure();
      if (bytes <= limit) return true;
      parts.pop();
      return false;
    },
    get rows() {
      return parts.length;
    },
    returnedParts: () => (parts.length === 0 ? ['<return/>'] : ['<return>', ...parts, '</return>']) as Markup[],
    returned: () => (parts.length === 0 ? '<return/>' : `<return>${parts.join('')}</return>`) as Markup,
  };
}

/** Clients read both numbers off this text and page from there. */
export function tooLarge(total: number, fitting: number): AxlFault {
  return new AxlFault(
    AXL_CODE.throttled,
    `Query request too large. Total rows matched: ${total} rows. Suggestive Row Fetch: less than ${fitting} rows`,
  );
}
