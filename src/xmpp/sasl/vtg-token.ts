import { type Jid, tryParseJid } from '../jid.ts';
import { SaslError } from './sasl-error.ts';
import { type SaslServerExchange, utf8Of } from './server-exchange.ts';

/** Uses the one-time password up: whether it was good, and this user's. */
export type RedeemToken = (user: Jid, token: string) => Promise<boolean>;

/**
 * CISCO-VTG-TOKEN: `userid=` bare address, NUL, `token=` the one-time password that the Client Profile Agent gave
 * (docs/xmpp.md). Clients send it as their initial response.
 */
export function vtgTokenServer(redeemToken: RedeemToken): SaslServerExchange {
  return {
    async respond(message) {
      const found = /^userid=([^\0]+)\0token=([^\0]+)$/.exec(utf8Of(message));
      const user = tryParseJid(found?.[1] ?? '');
      const token = found?.[2];
      if (user === undefined || token === undefined || user.local === null || user.resource !== null) {
        throw new SaslError('malformed-request', 'the message is not that of CISCO-VTG-TOKEN');
      }
      if (!(await redeemToken(user, token))) throw new SaslError('not-authorized');
      return { kind: 'success', user, data: null };
    },
  };
}

export function vtgTokenMessage(user: Jid, token: string): Buffer {
  return Buffer.from(`userid=${user.bare}\0token=${token}`);
}
