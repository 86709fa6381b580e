import { SUCCESS } from '../answers.ts';
import { writeUserConfig } from '../config/user-config.ts';
import { sessionOperation } from '../operation.ts';
import { readProperties } from '../read-request.ts';

/** Sets the user's settings, all or none. Source: inferred; names and values are ours. */
export const setUserConfig = sessionOperation({
  name: 'set-user-config',
  session: 'enduser',
  read: readProperties,
  async run({ ids }, wanted, session) {
    await ids.transaction('client', (trx) => writeUserConfig(trx, session.userPkid, wanted));
    return SUCCESS;
  },
});
