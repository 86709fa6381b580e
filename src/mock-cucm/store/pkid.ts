import { createHash } from 'node:crypto';

/** A key that is the same in every run: made from what the row is. */
export function pkidOf(...words: readonly string[]): string {
  return spelled(createHash('sha256').update(words.join('\0'), 'utf8').digest('hex'));
}

/** 32 hexadecimal digits as a UUID. */
export function spelled(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
