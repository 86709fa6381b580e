import type { Markup } from '../../xml/write.ts';
import { AXL_CODE, AxlFault } from './axl-fault.ts';

/** Most bytes of one reply. */
export const REPLY_LIMIT = 8 * 1024 * 1024;

/** Collects rows up to the limit of a reply. */
export interface ReplyBuilder {
  /** False when the row does not fit any more. */
  add(row: string): boolean;
  readonly rows: number;
  readonly bytes: number;
  /** The rows in `return`. */
  returned(): Markup;
}

export function createReplyBuilder(limit = REPLY_LIMIT): ReplyBuilder {
  const parts: string[] = [];
  let bytes = 0;
  return {
    add(row) {
      const size = Buffer.byteLength(row, 'utf8');
      if (bytes + size > limit) return false;
      bytes += size;
      parts.push(row);
      return true;
    },
    get rows() {
      return parts.length;
    },
    get bytes() {
      return bytes;
    },
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
