import forge from 'node-forge';
import { issueCertificate } from '../../src/platform/certificates.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { TlsMaterial } from '../../src/platform/https-listener.ts';

export interface TestCertificates {
  /** PEM of the authority. */
  readonly ca: string;
  readonly tls: TlsMaterial;
  /** Another certificate under the same authority. */
  issue(names: readonly string[], days?: number): Promise<TlsMaterial>;
}

let made: Promise<TestCertificates> | undefined;

/** An authority and a server certificate for the loopback, made once in a test process. */
export function testCertificates(): Promise<TestCertificates> {
  made ??= make();
  return made;
}

async function make(): Promise<TestCertificates> {
  const authority = await issueCertificate({ names: [], clock: systemClock, days: 10 });
  const issuer = {
    key: forge.pki.privateKeyFromPem(authority.key),
    certificate: forge.pki.certificateFromPem(authority.cert),
  };
  const issue = (names: readonly string[], days = 10): Promise<TlsMaterial> =>
    issueCertificate({ names, clock: systemClock, days, issuer });
  return { ca: authority.cert, tls: await issue(['127.0.0.1', '::1', 'localhost']), issue };
}
