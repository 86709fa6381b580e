import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ImpError } from './errors.ts';

/** Seals secrets that must be kept where others read: what is sealed is worth nothing without the key's file. */
export interface SecretBox {
  /** @param purpose bound into the seal: what was sealed for one is not opened for another. */
  seal(secret: string, purpose: string): string;
  /** @throws ImpError `secret-box.wrong-key` */
  open(sealed: string, purpose: string): string;
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM with a key that lies in `file`, readable by its owner only; made when there is none. */
export async function openSecretBox(file: string): Promise<SecretBox> {
  const key = await ensureKey(file);
  return {
    seal(secret, purpose) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose));
      const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
    },
    open(sealed, purpose) {
      const bytes = Buffer.from(sealed, 'base64');
      const body = NONCE_BYTES + TAG_BYTES;
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES))
          .setAAD(Buffer.from(purpose))
          .setAuthTag(bytes.subarray(NONCE_BYTES, body));
        return decipher.update(bytes.subarray(body), undefined, 'utf8') + decipher.final('utf8');
      } catch (cause) {
        throw new ImpError(
          'conflict',
          'secret-box.wrong-key',
          `${file} is not the key that the secret was sealed with`,
          {
            cause,
          },
        );
      }
    },
  };
}

async function ensureKey(file: string): Promise<Buffer> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    // Only one of two that start at once makes it.
    await using made = await open(file, 'wx', 0o600);
    const key = randomBytes(KEY_BYTES);
    await made.write(key);
    await made.sync();
    return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const key = await readFile(file);
  if (key.length !== KEY_BYTES) throw new ImpError('invalid', 'secret-box.key', `${file} is not a key`);
  return key;
}
