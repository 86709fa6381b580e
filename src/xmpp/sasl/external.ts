import type { Jid } from '../jid.ts';
import { tryParseJid } from '../jid.ts';
import { SaslError } from './sasl-error.ts';
import { type SaslServerExchange, utf8Of } from './server-exchange.ts';

/**
 * Who the TLS certificate of this connection speaks for: `wanted` is the address asked for, or null for whichever it is.
 * Undefined when the certificate does not speak for it.
 */
export type CertificateUser = (wanted: Jid | null) => Promise<Jid | undefined>;

/** EXTERNAL (RFC 4422 appendix A, XEP-0178): the certificate has said already who it is. */
export function externalServer(certificateUser: CertificateUser): SaslServerExchange {
  return {
    async respond(message) {
      const authzid = utf8Of(message);
      const wanted = authzid === '' ? null : tryParseJid(authzid);
      if (wanted === undefined) throw new SaslError('invalid-authzid', 'the identity is not an address');
      const user = await certificateUser(wanted);
      if (user === undefined) throw new SaslError('not-authorized');
      return { kind: 'success', user, data: null };
    },
  };
}
