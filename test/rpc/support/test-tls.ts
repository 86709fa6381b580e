import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureCertificates } from '../../../src/platform/certificates.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import type { TlsMaterial } from '../../../src/platform/https-listener.ts';

export interface TestTls {
  readonly node: TlsMaterial;
  readonly ca: string;
}

/** A certificate for the loopback address under an authority of its own. */
export async function makeTestTls(): Promise<TestTls> {
  const folder = await mkdtemp(join(tmpdir(), 'imp-tls-'));
  const { node, ca } = await ensureCertificates(folder, ['127.0.0.1', 'localhost'], systemClock);
  await rm(folder, { recursive: true });
  return { node, ca };
}
