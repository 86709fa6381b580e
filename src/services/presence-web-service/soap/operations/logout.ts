import { logOut } from '../../actions/log-in.ts';
import type { Operation } from '../operation.ts';
import { SUCCESS } from '../status.ts';

/** Ends the session and what hangs on it. Source: seen in the product's 10.x interface; what hangs on it is documented in part. */
export const logout: Operation = {
  name: 'logout',
  who: 'any',
  failure: 'logoutFailed',
  async run(needs, _payload, session) {
    await logOut(needs, session);
    return SUCCESS;
  },
};
