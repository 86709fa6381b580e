import { SUCCESS } from '../answers.ts';
import { writeOptions } from '../config/user-config.ts';
import { OPTION_PROPERTIES } from '../names.ts';
import { sessionOperation } from '../operation.ts';
import { readProperties } from '../read-request.ts';

/** Sets what of the calendar shows in the caller's presence, all or none. Source: documented as a function; the form is ours. */
export const setCalendarOptions = sessionOperation({
  name: 'set-calendar-options',
  session: 'enduser',
  read: readProperties,
  async run({ ids }, wanted, session) {
    await ids.transaction('client', (trx) => writeOptions(trx, session.userPkid, OPTION_PROPERTIES.calendar, wanted));
    return SUCCESS;
  },
});
