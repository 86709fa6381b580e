/** An answer as bytes, in pieces that go back to the pool when they are sent. */
export interface EncodedReply {
  readonly bytes: number;
  readonly pieces: readonly Buffer[];
  /** Gives the memory back; call it once, when nothing is sent from it any more. */
  release(): void;
}

export interface ReplyEncoder {
  encode(parts: readonly string[]): EncodedReply;
}

const BLOCK_BYTES = 256 * 1024;
/** Blocks kept for the next reply: as much as all replies in progress may hold. */
const MOST_SPARE = 64;
const MOST_BYTES_PER_UNIT = 3;

/**
 * Writes rows into blocks that are used again and again. One large text a reply would be joined, converted and freed each
 * time: touching that much fresh memory costs more than reading the rows.
 */
export function createReplyEncoder(): ReplyEncoder {
  const spare: Buffer[] = [];
  return {
    encode(parts) {
      const blocks: Buffer[] = [];
      const pieces: Buffer[] = [];
      let bytes = 0;
      let block: Buffer | undefined;
      let used = 0;
      const finish = (): void => {
        if (block && used > 0) pieces.push(block.subarray(0, used));
        bytes += used;
        block = undefined;
        used = 0;
      };
      for (const part of parts) {
        const most = part.length * MOST_BYTES_PER_UNIT;
        if (most > BLOCK_BYTES) {
          finish();
          const large = Buffer.from(part, 'utf8');
          pieces.push(large);
          bytes += large.length;
          continue;
        }
        if (block && used + most > BLOCK_BYTES) finish();
        if (!block) {
          block = spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
          blocks.push(block);
        }
        used += block.write(part, used, 'utf8');
      }
      finish();
      return {
        bytes,
        pieces,
        release() {
          for (const each of blocks) if (spare.length < MOST_SPARE) spare.push(each);
        },
      };
    },
  };
}
