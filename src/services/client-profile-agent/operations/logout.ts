import { SUCCESS } from '../answers.ts';
import { sessionOperation } from '../operation.ts';
import { readEmpty } from '../read-request.ts';

/**
 * Ends the session and what hangs on it: an application user's log-out ends every end-user session it opened.
 * Source: documented; the element's name inferred.
 */
export const logout = sessionOperation({
  name: 'logout',
  session: 'any',
  read: readEmpty,
  async run({ loginDatastore }, _request, session) {
    await loginDatastore.end(session);
    return SUCCESS;
  },
});
