import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { SaslError } from './sasl-error.ts';
import { saslprep } from './saslprep.ts';

export type ScramHash = 'SHA-1' | 'SHA-256';

/** What a server keeps instead of a password (RFC 5802 section 3). */
export interface ScramKeys {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

const DIGEST: Readonly<Record<ScramHash, string>> = { 'SHA-1': 'sha1', 'SHA-256': 'sha256' };
export const DIGEST_BYTES: Readonly<Record<ScramHash, number>> = { 'SHA-1': 20, 'SHA-256': 32 };

const derive = promisify(pbkdf2);

export function hmac(hash: ScramHash, key: Uint8Array, text: string | Uint8Array): Buffer {
  return createHmac(DIGEST[hash], key).update(text).digest();
}

export function digest(hash: ScramHash, data: Uint8Array): Buffer {
  return createHash(DIGEST[hash]).update(data).digest();
}

/** The salted password: the slow part, in a thread of the pool. @throws XmppError `xmpp.string` */
export function saltedPassword(
  hash: ScramHash,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<Buffer> {
  return derive(saslprep(password), salt, iterations, DIGEST_BYTES[hash], DIGEST[hash]);
}

export function clientKeyOf(hash: ScramHash, salted: Uint8Array): Buffer {
  return hmac(hash, salted, 'Client Key');
}

export function serverKeyOf(hash: ScramHash, salted: Uint8Array): Buffer {
  return hmac(hash, salted, 'Server Key');
}

/** The keys of a password, to be kept. @throws XmppError `xmpp.string` */
export async function deriveScramKeys(
  hash: ScramHash,
  password: string,
  salt: Buffer,
  iterations: number,
): Promise<ScramKeys> {
  const salted = await saltedPassword(hash, password, salt, iterations);
  return {
    salt,
    iterations,
    storedKey: digest(hash, clientKeyOf(hash, salted)),
    serverKey: serverKeyOf(hash, salted),
  };
}

/** Both of one length. */
export function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)));
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** RFC 5802 5.1: a comma and an equals sign of a name. */
export function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

/** @throws SaslError `malformed-request` for any other equals sign */
export function unescapeName(text: string): string {
  if (/=(?!2C|3D)/.test(text)) throw new SaslError('malformed-request', 'the name is not escaped');
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

/**
 * The values of `r=…,s=…,i=…`, which must come in this order; what follows them are extensions and is left alone
 * (RFC 5802 5.1).
 * @throws SaslError `malformed-request`, also for a mandatory extension, which no version of SCRAM has
 */
export function attributesOf(message: string, names: readonly string[]): string[] {
  const parts = message.split(',');
  if (parts[0]?.startsWith('m=')) throw new SaslError('malformed-request', 'a mandatory extension is not known');
  return names.map((name, index) => {
    const part = parts[index];
    if (part === undefined || !part.startsWith(`${name}=`) || part.length === 2) {
      throw new SaslError('malformed-request', `the message lacks ${name}=`);
    }
    return part.slice(2);
  });
}

/** RFC 5802 7: printable, without a comma. */
export function isNonce(text: string): boolean {
  return /^[\x21-\x2b\x2d-\x7e]+$/.test(text);
}
