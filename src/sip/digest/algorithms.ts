import { hash, timingSafeEqual } from 'node:crypto';

/** RFC 8760 2.1 and the registry behind it. Session variants (`-sess`) are not spoken. */
export type DigestAlgorithm = 'MD5' | 'SHA-256' | 'SHA-512-256';

/** Strongest first: the order in which they are offered and chosen (RFC 8760 2.3). */
export const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = ['SHA-512-256', 'SHA-256', 'MD5'];

const NODE_NAMES: Readonly<Record<DigestAlgorithm, string>> = {
  MD5: 'md5',
  'SHA-256': 'sha256',
  'SHA-512-256': 'sha512-256',
};

/** Names are compared without their case; no name means MD5 (RFC 7616 3.3). */
export function digestAlgorithm(name: string | undefined): DigestAlgorithm | undefined {
  if (name === undefined) return 'MD5';
  const wanted = name.toUpperCase();
  return DIGEST_ALGORITHMS.find((each) => each === wanted);
}

function digest(algorithm: DigestAlgorithm, text: string): string {
  return hash(NODE_NAMES[algorithm], text, 'hex');
}

/** H(A1): all that has to be kept of a password. */
export function digestHa1(algorithm: DigestAlgorithm, username: string, realm: string, password: string): string {
  return digest(algorithm, `${username}:${realm}:${password}`);
}

export interface DigestInput {
  readonly algorithm: DigestAlgorithm;
  readonly ha1: string;
  readonly nonce: string;
  readonly method: string;
  readonly uri: string;
  /** Undefined: the form of RFC 2069, which some phones still speak. */
  readonly qop: { readonly nc: string; readonly cnonce: string } | undefined;
}

/** RFC 7616 3.4.1, qop `auth` or none. */
export function digestResponse(input: DigestInput): string {
  const ha2 = digest(input.algorithm, `${input.method}:${input.uri}`);
  const { qop } = input;
  const middle = qop === undefined ? input.nonce : `${input.nonce}:${qop.nc}:${qop.cnonce}:auth`;
  return digest(input.algorithm, `${input.ha1}:${middle}:${ha2}`);
}

/** Takes as long for the first wrong digit as for the last. */
export function isSameDigest(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given.toLowerCase())];
  return a.length === b.length && timingSafeEqual(a, b);
}
