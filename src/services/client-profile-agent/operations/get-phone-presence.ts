import { join } from '../../../xml/write.ts';
import { properties } from '../answers.ts';
import { readOptions } from '../config/user-config.ts';
import { OPTION_PROPERTIES } from '../names.ts';
import { sessionOperation } from '../operation.ts';
import { readEmpty } from '../read-request.ts';

/** Whether the phone's state shows in the caller's presence. Source: documented as a function; the form is ours. */
export const getPhonePresence = sessionOperation({
  name: 'get-phone-presence',
  session: 'enduser',
  read: readEmpty,
  run: async ({ ids }, _request, session) =>
    join(properties(await readOptions(ids.read, session.userPkid, OPTION_PROPERTIES.phone))),
});
