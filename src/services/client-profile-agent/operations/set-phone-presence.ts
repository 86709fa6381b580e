import { SUCCESS } from '../answers.ts';
import { writeOptions } from '../config/user-config.ts';
import { OPTION_PROPERTIES } from '../names.ts';
import { sessionOperation } from '../operation.ts';
import { readProperties } from '../read-request.ts';

/** Sets whether the phone's state shows in the caller's presence. Source: documented as a function; the form is ours. */
export const setPhonePresence = sessionOperation({
  name: 'set-phone-presence',
  session: 'enduser',
  read: readProperties,
  async run({ ids }, wanted, session) {
    await ids.transaction('client', (trx) => writeOptions(trx, session.userPkid, OPTION_PROPERTIES.phone, wanted));
    return SUCCESS;
  },
});
