import { attribute } from '../../../xml/element.ts';
import { element, type Markup, textElement } from '../../../xml/write.ts';
import { CpaFault } from '../errors.ts';
import { type LogInRequest, logIn } from '../log-in.ts';
import { VERSIONS } from '../names.ts';
import { openOperation } from '../operation.ts';
import { booleanAttribute, childrenOf, simpleText, token, tokenText } from '../read-request.ts';

/**
 * Opens a session or gives back the one that is open: an application user, an end user through an application, or an
 * end user directly. A refusal is `failure`, another node's user `redirect`; neither is a fault.
 * Source: seen on the wire; redirect inferred from the Presence Web Service.
 */
export const login = openOperation<LogInRequest>({
  name: 'login',
  read(payload) {
    const children = childrenOf(payload, ['username', 'password', 'app-session-id']);
    const [username, secret] = children;
    if (children.length !== 2 || username?.local !== 'username' || !secret || secret.local === 'username') {
      throw new CpaFault('notUnderstood', 'login needs username, then password or app-session-id');
    }
    return {
      username: tokenText(username),
      // A password is taken as it is: no trimming, no normalising.
      proof:
        secret.local === 'password'
          ? { kind: 'password', password: simpleText(secret) }
          : { kind: 'application', key: tokenText(secret) },
      clientType: token(attribute(payload, 'client-type') ?? ''),
      clientVersion: token(attribute(payload, 'client-version') ?? ''),
      force: booleanAttribute(payload, 'force', false),
    };
  },
  async run(needs, request, caller): Promise<Markup> {
    const result = await logIn(needs, request, caller);
    if (result.kind === 'redirect') {
      const { primaryServer, backupServer } = result;
      return element('e:redirect', { primaryServer, backupServer });
    }
    // The key is the first child: a known client takes that without looking at its name.
    return element(
      'e:success',
      { backupServer: result.backupServer },
      textElement('e:session-key', result.key),
      ...VERSIONS.map((version) => textElement('e:version', version)),
    );
  },
});
