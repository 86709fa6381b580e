import type { Jid } from '../jid.ts';
import { SaslError } from './sasl-error.ts';
import { checkAuthorisation, type SaslServerExchange, utf8Of } from './server-exchange.ts';

/** Answers the bare address of the user whose name and password these are; undefined when they are wrong. */
export type CheckPassword = (username: string, password: string) => Promise<Jid | undefined>;

/** PLAIN (RFC 4616): `[authzid] NUL authcid NUL password`. */
export function plainServer(checkPassword: CheckPassword): SaslServerExchange {
  return {
    async respond(message) {
      const parts = utf8Of(message).split('\0');
      const [authzid, username, password] = parts;
      if (parts.length !== 3 || authzid === undefined || !username || !password) {
        throw new SaslError('malformed-request', 'the message is not that of PLAIN');
      }
      const user = await checkPassword(username, password);
      if (user === undefined) throw new SaslError('not-authorized');
      checkAuthorisation(user, authzid);
      return { kind: 'success', user, data: null };
    },
  };
}

export function plainMessage(username: string, password: string, authzid = ''): Buffer {
  return Buffer.from(`${authzid}\0${username}\0${password}`);
}
