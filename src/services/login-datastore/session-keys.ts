import { createHmac, hash, randomBytes } from 'node:crypto';

/**
 * Makes session keys that need not be kept: a key is derived from the secret, the slot and the row's nonce, so that a
 * repeated log-in gets the same key while the store holds only its digest.
 */
export interface SessionKeys {
  /** A lower-case UUID. */
  keyOf(slot: string, nonce: string): string;
  /** A keyed digest by which a changed password shows; useless without the secret. */
  passwordTag(userPkid: string, password: string): string;
}

export function createSessionKeys(secret: Uint8Array): SessionKeys {
  return {
    keyOf(slot, nonce) {
      const bytes = createHmac('sha256', secret).update(`key\0${slot}\0${nonce}`).digest().subarray(0, 16);
      // RFC 9562 5.8: version 8 (made by our own method), variant 10.
      bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
      bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
      const hex = bytes.toString('hex');
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    },
    passwordTag(userPkid, password) {
      return createHmac('sha256', secret).update(`password\0${userPkid}\0${password}`).digest('base64url');
    },
  };
}

export function newNonce(): string {
  return randomBytes(18).toString('base64url');
}

/** 192 random bits in printable ASCII without XML specials. */
export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

/** Keys and tokens are looked up by digest: nothing about them can be learnt from how long a comparison takes. */
export function digestOf(secret: string): string {
  return hash('sha256', secret, 'base64url');
}
