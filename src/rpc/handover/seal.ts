import { createHash } from 'node:crypto';
import { ConfigurationError } from './errors.ts';

/**
 * The checksum of a configuration file: SHA-256 of its bytes with the 64 digits of the checksum itself written as
 * zeros. Whoever reads the file can check it with nothing but a text editor's replace and `sha256sum`.
 */
const UNSEALED = `sha256:${'0'.repeat(64)}`;
const SEALED = / checksum="(sha256:[0-9a-f]{64})"/;

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Renders with zeros, and puts the checksum in their place. */
export function sealed(render: (checksum: string) => string): { readonly text: string; readonly checksum: string } {
  const open = render(UNSEALED);
  const checksum = `sha256:${sha256(open)}`;
  return { text: open.replace(`checksum="${UNSEALED}"`, `checksum="${checksum}"`), checksum };
}

/** @throws ConfigurationError `configuration.checksum` */
export function checkSeal(file: string, text: string): string {
  const found = SEALED.exec(text)?.[1];
  if (found === undefined) throw new ConfigurationError('configuration.checksum', file, 'it has no checksum');
  const checksum = `sha256:${sha256(text.replace(`checksum="${found}"`, `checksum="${UNSEALED}"`))}`;
  if (checksum !== found) {
    throw new ConfigurationError(
      'configuration.checksum',
      file,
      'the checksum does not fit: edited by hand or damaged',
    );
  }
  return checksum;
}
