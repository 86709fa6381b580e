import { element, join } from '../../../xml/write.ts';
import { sessionOperation } from '../operation.ts';
import { readEmpty } from '../read-request.ts';

/**
 * What the caller may use, read off how CUCM provisions the user: instant messaging, calendar in presence, and phone
 * presence where there is a device. Source: documented as a function; the form is ours.
 */
export const getLicensedFeatures = sessionOperation({
  name: 'get-licensed-features',
  session: 'enduser',
  read: readEmpty,
  async run({ ids }, _request, session) {
    const user = await ids.read
      .selectFrom('enduser')
      .select(['enablecups', 'enablecalendarpresence'])
      .where('pkid', '=', session.userPkid)
      .executeTakeFirst();
    const device = await ids.read
      .selectFrom('enduserdevicemap')
      .innerJoin('device', 'device.pkid', 'enduserdevicemap.fkdevice')
      .select('device.pkid')
      .where('enduserdevicemap.fkenduser', '=', session.userPkid)
      .where('device.deletedat', 'is', null)
      .executeTakeFirst();
    const features = [
      ['InstantMessagingAndPresence', user?.enablecups === 1],
      ['CalendarPresence', user?.enablecalendarpresence === 1],
      ['PhonePresence', device !== undefined],
    ] as const;
    return join(features.map(([name, enabled]) => element('e:feature', { name, enabled })));
  },
});
