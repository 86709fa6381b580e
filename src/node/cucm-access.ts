import { readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describeError, ImpError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { NodeFile } from './node-config.ts';

/** How the node reaches CUCM. */
export interface CucmAccess {
  readonly url: string;
  readonly user: string;
  /** As it stands now: a password file that was changed is read again. */
  readonly password: () => string;
  /** PEM; undefined: the system's authorities. */
  readonly ca: string | undefined;
}

/**
 * The CUCM of the node file. The password comes from `IMP_CUCM_PASSWORD`, else from `passwordFile`, else from the file
 * itself; only a password file can be changed while the node runs.
 * @throws ImpError `node.no-cucm`, `node.no-cucm-password`, `config.unreadable`
 */
export async function configuredCucm(
  { cucm }: NodeFile,
  given: { readonly password: string | undefined; readonly baseFolder: string; readonly log: Log },
): Promise<CucmAccess> {
  if (!cucm) {
    throw new ImpError('invalid', 'node.no-cucm', 'there is no CUCM: set cucm in the node file, or add --mock-cucm');
  }
  const ca =
    cucm.caFile === undefined ? undefined : await readNamed(resolve(given.baseFolder, cucm.caFile), 'cucm.caFile');
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----')) {
    throw new ImpError('invalid', 'config.invalid', `cucm.caFile: ${cucm.caFile} holds no certificate in PEM form`);
  }
  const { url, user } = cucm;
  if (given.password === undefined && cucm.passwordFile !== undefined) {
    const file = resolve(given.baseFolder, cucm.passwordFile);
    await readNamed(file, 'cucm.passwordFile');
    return { url, user, password: watchedFile(file, given.log), ca };
  }
  const password = given.password ?? cucm.password;
  if (password === undefined) {
    throw new ImpError('invalid', 'node.no-cucm-password', 'cucm: set passwordFile, password or IMP_CUCM_PASSWORD');
  }
  return { url, user, password: () => password, ca };
}

async function readNamed(file: string, key: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ImpError('invalid', 'config.unreadable', `${key}: ${file} cannot be read`, { cause });
  }
}

/** The content of a small file, read again when it was changed; while it cannot be read, what it held last. */
function watchedFile(file: string, log: Log): () => string {
  let content = '';
  let seen = '';
  return () => {
    try {
      const { mtimeMs, size } = statSync(file);
      const now = `${mtimeMs}/${size}`;
      if (now !== seen) {
        content = readFileSync(file, 'utf8').trim();
        seen = now;
      }
    } catch (error) {
      log.warn({ file, err: describeError(error) }, 'the password file cannot be read');
    }
    return content;
  };
}
