import { hash } from 'node:crypto';

const BLOCK_BYTES = 64;

/** A keyed digest: what we hand out and want back unchanged carries it. */
export type Seal = (text: string | Buffer) => Buffer;

/**
 * HMAC-SHA-256 (RFC 2104), cut to `bytes`. Two one-shot hashes with the padded key made beforehand: a fifth of what
 * `createHmac` costs, which makes a stream and a key object for each call.
 */
export function createSeal(secret: Buffer, bytes: number): Seal {
  const key = secret.length > BLOCK_BYTES ? hash('sha256', secret, 'buffer') : secret;
  const padded = (pad: number): Buffer => {
    const block = Buffer.alloc(BLOCK_BYTES, pad);
    for (const [index, byte] of key.entries()) block[index] = byte ^ pad;
    return block;
  };
  const inner = padded(0x36);
  const outer = padded(0x5c);
  return (text) => {
    const message = typeof text === 'string' ? Buffer.from(text) : text;
    const digest = hash('sha256', Buffer.concat([inner, message]), 'buffer');
    return hash('sha256', Buffer.concat([outer, digest]), 'buffer').subarray(0, bytes);
  };
}
