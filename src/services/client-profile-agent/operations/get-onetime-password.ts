import { element, textElement } from '../../../xml/write.ts';
import { sessionOperation } from '../operation.ts';
import { readEmpty } from '../read-request.ts';

/**
 * A token for the XMPP sign-in (SASL mechanism `CISCO-VTG-TOKEN`): good once, for five minutes, for this user only.
 * Source: seen; a client reads `get-onetime-password-resp/success/password`.
 */
export const getOnetimePassword = sessionOperation({
  name: 'get-onetime-password',
  session: 'enduser',
  read: readEmpty,
  async run({ loginDatastore }, _request, session) {
    const token = await loginDatastore.issueToken(session);
    return element('e:success', { code: 200 }, textElement('e:password', token));
  },
});
