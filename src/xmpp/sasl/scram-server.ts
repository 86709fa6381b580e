import { randomBytes } from 'node:crypto';
import type { Jid } from '../jid.ts';
import { fromBase64 } from './base64.ts';
import type { ChannelBindings, ChannelBindingType } from './channel-binding.ts';
import { SaslError } from './sasl-error.ts';
import {
  attributesOf,
  DIGEST_BYTES,
  digest,
  hmac,
  isNonce,
  isSame,
  type ScramHash,
  type ScramKeys,
  unescapeName,
  xor,
} from './scram.ts';
import { checkAuthorisation, type SaslServerExchange, utf8Of } from './server-exchange.ts';

/** The keys of a user, and the user's bare address; undefined when nobody is called so. */
export type FindScramKeys = (
  username: string,
  hash: ScramHash,
) => Promise<{ readonly user: Jid; readonly keys: ScramKeys } | undefined>;

export interface ScramServerOptions {
  readonly hash: ScramHash;
  /** The mechanism's name ends in `-PLUS`. */
  readonly isPlus: boolean;
  /** Those of the connection, whether or not this mechanism uses them. */
  readonly bindings: ChannelBindings;
  /** Whether a `-PLUS` mechanism was offered: a client that thinks it was not has been lied to. */
  readonly wasPlusOffered: boolean;
  readonly findKeys: FindScramKeys;
  /** Makes salts for names that nobody has, always the same for one name; they look like any other. */
  readonly disguise: { readonly secret: Uint8Array; readonly iterations: number };
  /** Our half of the nonce; a test hands in its own. */
  readonly nonce?: () => string;
}

interface First {
  readonly gs2: string;
  readonly binding: Buffer;
  readonly authzid: string;
  readonly bare: string;
  readonly username: string;
  readonly nonce: string;
}

/** SCRAM (RFC 5802, RFC 7677), the server's side. */
export function scramServer(options: ScramServerOptions): SaslServerExchange {
  const { hash } = options;
  let waiting: { first: First; nonce: string; serverFirst: string; user: Jid | undefined; keys: ScramKeys } | undefined;

  const begin = async (message: string): Promise<Buffer> => {
    const first = readFirst(message, options);
    const found = await options.findKeys(first.username, hash);
    const keys = found?.keys ?? disguised(first.username, hash, options.disguise);
    const nonce = first.nonce + (options.nonce?.() ?? randomBytes(18).toString('base64'));
    const serverFirst = `r=${nonce},s=${keys.salt.toString('base64')},i=${keys.iterations}`;
    waiting = { first, nonce, serverFirst, user: found?.user, keys };
    return Buffer.from(serverFirst);
  };

  return {
    async respond(data) {
      const message = utf8Of(data);
      if (waiting === undefined) return { kind: 'challenge', data: await begin(message) };
      const { first, nonce, serverFirst, user, keys } = waiting;
      const [binding = '', theirNonce] = attributesOf(message, ['c', 'r']);
      const at = message.lastIndexOf(',p=');
      if (at < 0) throw new SaslError('malformed-request', 'the message lacks p=');
      const proof = fromBase64(message.slice(at + 3));
      if (!isSame(fromBase64(binding), Buffer.concat([Buffer.from(first.gs2), first.binding]))) {
        throw new SaslError('not-authorized', 'the channel binding is another one');
      }
      const authMessage = `${first.bare},${serverFirst},${message.slice(0, at)}`;
      const clientKey = xor(hmac(hash, keys.storedKey, authMessage), proof);
      const isRight = proof.length === DIGEST_BYTES[hash] && isSame(digest(hash, clientKey), keys.storedKey);
      if (theirNonce !== nonce || !isRight || user === undefined) throw new SaslError('not-authorized');
      checkAuthorisation(user, first.authzid);
      const signature = hmac(hash, keys.serverKey, authMessage).toString('base64');
      return { kind: 'success', user, data: Buffer.from(`v=${signature}`) };
    },
  };
}

/** `gs2-header client-first-message-bare` of RFC 5802 section 7. */
function readFirst(message: string, options: ScramServerOptions): First {
  const found = /^((?:([ny])|p=([A-Za-z0-9.-]+)),(?:a=([^,]+))?,)(.+)$/s.exec(message);
  if (found === null) throw new SaslError('malformed-request', 'the message is not that of SCRAM');
  const [, gs2 = '', flag, type, authzid = '', bare = ''] = found;
  const [name = '', nonce = ''] = attributesOf(bare, ['n', 'r']);
  if (!isNonce(nonce)) throw new SaslError('malformed-request', 'the nonce is not printable');
  if (options.isPlus !== (type !== undefined)) {
    throw new SaslError('malformed-request', 'the channel binding does not fit the mechanism');
  }
  // RFC 5802 6: the client could bind and saw no mechanism that does; somebody took it out of our list.
  if (flag === 'y' && options.wasPlusOffered) {
    throw new SaslError('not-authorized', 'channel binding was offered and did not arrive');
  }
  const binding = type === undefined ? Buffer.alloc(0) : options.bindings.get(type as ChannelBindingType);
  if (binding === undefined) throw new SaslError('malformed-request', 'this channel binding is not offered');
  return { gs2, binding, authzid: unescapeName(authzid), bare, username: unescapeName(name), nonce };
}

function disguised(username: string, hash: ScramHash, disguise: ScramServerOptions['disguise']): ScramKeys {
  const made = hmac('SHA-256', disguise.secret, `${hash} ${username}`);
  const key = made.subarray(0, DIGEST_BYTES[hash]);
  return { salt: made.subarray(16), iterations: disguise.iterations, storedKey: key, serverKey: key };
}
