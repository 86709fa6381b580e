import { createPrivateKey, generateKeyPair, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import forge from 'node-forge';
import type { Clock } from './clock.ts';
import { ImpError } from './errors.ts';
import type { TlsMaterial } from './https-listener.ts';

/** A node's certificates: its own authority (or an imported one) and what it shows to clients and peers. */
export interface Certificates {
  /** PEM of the authority; verifies every listener of the node. */
  readonly ca: string;
  readonly caFile: string;
  readonly node: TlsMaterial;
}

export interface CertificateInfo {
  readonly name: 'ca' | 'node';
  readonly file: string;
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  /** ISO 8601. */
  readonly validFrom: string;
  readonly validTo: string;
  readonly daysLeft: number;
  /** SHA-256 fingerprint. */
  readonly fingerprint: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
const NODE_DAYS = 397;
const RENEW_BEFORE_DAYS = 30;

const FILES = { caKey: 'ca.key', ca: 'ca.pem', nodeKey: 'node.key', node: 'node.pem' } as const;

/**
 * Reads the certificates of `folder`, making what is missing: an authority of its own at the first start, and a server
 * certificate for `names` (host names and addresses), made anew when it runs out within 30 days or lacks a name. An
 * imported pair (no `ca.key` beside it) is used as it is. Keys are readable by their owner only.
 * @throws ImpError `certificates.unreadable`
 */
export async function ensureCertificates(
  folder: string,
  names: readonly string[],
  clock: Clock,
): Promise<Certificates> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = (name: keyof typeof FILES): string => join(folder, FILES[name]);
  if (!existsSync(file('ca'))) await makeAuthority(file('caKey'), file('ca'), clock);
  const isOurs = existsSync(file('caKey'));
  if (isOurs && (await needsRenewal(folder, names, clock))) {
    await renewNode(folder, names, clock);
  }
  try {
    const [ca, key, cert] = await Promise.all([
      readFile(file('ca'), 'utf8'),
      readFile(file('nodeKey'), 'utf8'),
      readFile(file('node'), 'utf8'),
    ]);
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      throw new Error(`${FILES.nodeKey} does not belong to ${FILES.node}`);
    }
    return { ca, caFile: file('ca'), node: { key, cert } };
  } catch (cause) {
    throw new ImpError('invalid', 'certificates.unreadable', `the certificates in ${folder} cannot be used`, { cause });
  }
}

/** Makes a new server certificate under the node's own authority. @throws ImpError `certificates.imported` */
export async function renewNode(folder: string, names: readonly string[], clock: Clock): Promise<void> {
  const caKeyFile = join(folder, FILES.caKey);
  if (!existsSync(caKeyFile)) {
    throw new ImpError(
      'conflict',
      'certificates.imported',
      'the authority was imported without its key: renew it there',
    );
  }
  const caKey = forge.pki.privateKeyFromPem(await readFile(caKeyFile, 'utf8'));
  const ca = forge.pki.certificateFromPem(await readFile(join(folder, FILES.ca), 'utf8'));
  const made = await issueCertificate({ names, issuer: { key: caKey, certificate: ca }, clock, days: NODE_DAYS });
  await write(join(folder, FILES.nodeKey), made.key, 0o600);
  await write(join(folder, FILES.node), made.cert, 0o644);
}

/** What `imp certs list` shows. */
export async function listCertificates(folder: string, clock: Clock): Promise<readonly CertificateInfo[]> {
  const found: CertificateInfo[] = [];
  for (const name of ['ca', 'node'] as const) {
    const file = join(folder, FILES[name]);
    const certificate = new X509Certificate(await readFile(file));
    found.push({
      name,
      file,
      subject: certificate.subject.replaceAll('\n', ', '),
      issuer: certificate.issuer.replaceAll('\n', ', '),
      names: sansOf(certificate),
      validFrom: certificate.validFromDate.toISOString(),
      validTo: certificate.validToDate.toISOString(),
      daysLeft: Math.floor((certificate.validToDate.getTime() - clock.now()) / DAY_MS),
      fingerprint: certificate.fingerprint256,
    });
  }
  return found;
}

function sansOf(certificate: X509Certificate): string[] {
  return (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name !== '')
    .map((name) => name.replace(/^(?:DNS|IP Address):/, ''));
}

/** What is missing, unreadable, torn apart by a crash, of another authority, short of a name or about to run out. */
async function needsRenewal(folder: string, names: readonly string[], clock: Clock): Promise<boolean> {
  try {
    const [ca, key, cert] = await Promise.all(
      [FILES.ca, FILES.nodeKey, FILES.node].map((name) => readFile(join(folder, name), 'utf8')),
    );
    const certificate = new X509Certificate(cert as string);
    const authority = new X509Certificate(ca as string);
    if (!certificate.checkPrivateKey(createPrivateKey(key as string))) return true;
    if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) return true;
    if (certificate.validToDate.getTime() - clock.now() < RENEW_BEFORE_DAYS * DAY_MS) return true;
    return names.some((name) => (isIP(name) === 0 ? !certificate.checkHost(name) : !certificate.checkIP(name)));
  } catch {
    // Whatever is wrong with the files: the authority's key is here, and a new certificate costs nothing.
    return true;
  }
}

async function makeAuthority(keyFile: string, certFile: string, clock: Clock): Promise<void> {
  const made = await issueCertificate({ names: [], clock, days: CA_DAYS });
  await write(keyFile, made.key, 0o600);
  await write(certFile, made.cert, 0o644);
}

export interface IssueOptions {
  /** Host names and addresses; none makes a certificate authority. */
  readonly names: readonly string[];
  /** Who signs; absent: self-signed. */
  readonly issuer?: { readonly key: forge.pki.rsa.PrivateKey; readonly certificate: forge.pki.Certificate };
  readonly clock: Clock;
  /** Life; negative makes one that has run out already (for tests of clients). */
  readonly days: number;
}

const generateRsa = promisify(generateKeyPair);

/** Makes a key and certificate. Keys come from Node's own generator; node-forge builds and signs (RSA only). */
export async function issueCertificate(options: IssueOptions): Promise<TlsMaterial> {
  const pair = await generateRsa('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const key = forge.pki.privateKeyFromPem(pair.privateKey);
  const certificate = forge.pki.createCertificate();
  const isAuthority = options.names.length === 0;
  const now = options.clock.now();
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey);
  // A positive serial number of 16 random octets (RFC 5280 4.1.2.2).
  certificate.serialNumber = `4${forge.util.bytesToHex(forge.random.getBytesSync(16)).slice(1)}`;
  certificate.validity.notBefore = new Date(Math.min(now, now + options.days * DAY_MS) - DAY_MS);
  certificate.validity.notAfter = new Date(now + options.days * DAY_MS);
  const subject = isAuthority
    ? [{ name: 'commonName', value: `imp-gateway CA ${certificate.serialNumber.slice(0, 8)}` }]
    : [{ name: 'commonName', value: (options.names[0] as string).slice(0, 64) }];
  certificate.setSubject(subject);
  certificate.setIssuer(options.issuer?.certificate.subject.attributes ?? subject);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: isAuthority, critical: true },
    isAuthority
      ? { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true }
      : { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    ...(isAuthority
      ? []
      : [
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          {
            name: 'subjectAltName',
            altNames: options.names.map((name) =>
              isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name },
            ),
          },
        ]),
    { name: 'subjectKeyIdentifier' },
    // RFC 5280 4.2.1.1; strict verifiers insist on it.
    ...(options.issuer === undefined
      ? []
      : [
          {
            name: 'authorityKeyIdentifier',
            keyIdentifier: options.issuer.certificate.generateSubjectKeyIdentifier().getBytes(),
          },
        ]),
  ]);
  certificate.sign(options.issuer?.key ?? key, forge.md.sha256.create());
  return { key: pair.privateKey, cert: forge.pki.certificateToPem(certificate) };
}

async function write(file: string, content: string, mode: number): Promise<void> {
  const temporary = `${file}.new`;
  await writeFile(temporary, content, { mode });
  await chmod(temporary, mode);
  await rename(temporary, file);
}
