import { randomBytes } from 'node:crypto';
import { fromBase64 } from './base64.ts';
import type { ChannelBindings, ChannelBindingType } from './channel-binding.ts';
import type { SaslClientExchange } from './client-exchange.ts';
import { SaslError } from './sasl-error.ts';
import {
  attributesOf,
  clientKeyOf,
  digest,
  escapeName,
  hmac,
  isNonce,
  isSame,
  type ScramHash,
  saltedPassword,
  serverKeyOf,
  xor,
} from './scram.ts';

export interface ScramClientOptions {
  readonly hash: ScramHash;
  readonly username: string;
  readonly password: string;
  readonly authzid?: string;
  readonly bindings: ChannelBindings;
  /** The type to bind by, for a `-PLUS` mechanism; null for one without. */
  readonly binding: ChannelBindingType | null;
  /** A test hands in its own. */
  readonly nonce?: () => string;
}

/** More than these would be an attack on our own processor (RFC 7677 section 4 asks for 4,096 at least). */
const ITERATIONS = { least: 4096, most: 1_000_000 } as const;

/** SCRAM (RFC 5802, RFC 7677), the client's side; it trusts the server only after its signature. */
export function scramClient(options: ScramClientOptions): SaslClientExchange {
  const { hash, binding } = options;
  const data = binding === null ? undefined : options.bindings.get(binding);
  if (binding !== null && data === undefined)
    throw new SaslError('invalid-mechanism', `the connection has no ${binding}`);
  // RFC 5802 6: y says that we could bind and were offered no mechanism for it.
  const flag = binding !== null ? `p=${binding}` : options.bindings.size > 0 ? 'y' : 'n';
  const gs2 = `${flag},${options.authzid === undefined ? '' : `a=${escapeName(options.authzid)}`},`;
  const nonce = options.nonce?.() ?? randomBytes(18).toString('base64');
  const firstBare = `n=${escapeName(options.username)},r=${nonce}`;
  let expected: Buffer | undefined;
  return {
    start: () => Buffer.from(gs2 + firstBare),
    async respond(challenge) {
      const serverFirst = challenge.toString('utf8');
      const [theirNonce = '', salt = '', count = ''] = attributesOf(serverFirst, ['r', 's', 'i']);
      if (expected !== undefined || !theirNonce.startsWith(nonce) || theirNonce === nonce || !isNonce(theirNonce)) {
        throw new SaslError('not-authorized', 'the server did not answer our nonce');
      }
      const iterations = /^[1-9][0-9]{0,6}$/.test(count) ? Number(count) : 0;
      if (iterations < ITERATIONS.least || iterations > ITERATIONS.most) {
        throw new SaslError('not-authorized', 'the server asks for an iteration count that is not safe');
      }
      const salted = await saltedPassword(hash, options.password, fromBase64(salt), iterations);
      const bound = Buffer.concat([Buffer.from(gs2), data ?? Buffer.alloc(0)]).toString('base64');
      const finalBare = `c=${bound},r=${theirNonce}`;
      const authMessage = `${firstBare},${serverFirst},${finalBare}`;
      const clientKey = clientKeyOf(hash, salted);
      const proof = xor(clientKey, hmac(hash, digest(hash, clientKey), authMessage));
      expected = hmac(hash, serverKeyOf(hash, salted), authMessage);
      return Buffer.from(`${finalBare},p=${proof.toString('base64')}`);
    },
    finish(last) {
      const signature = /^v=([^,]+)/.exec(last?.toString('utf8') ?? '')?.[1] ?? '';
      if (expected === undefined || !isSame(fromBase64(signature), expected)) {
        throw new SaslError('not-authorized', 'the server could not prove that it knows the password');
      }
    },
  };
}
