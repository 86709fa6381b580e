import { logOut } from '../../actions/log-in.ts';
import type { Operation } from '../operation.ts';
import { SUCCESS } from '../status.ts';

/** Ends the session and what hangs on it. */
export const logout: Operation = {
  name: 'logout',
  who: 'any',
  failure: 'logoutFailed',
  async run(needs, _payload, session) {
    await logOut(needs, session);
    return SUCCESS;
  },
};
