import type { Kysely } from 'kysely';
import type { Database } from '../../ids/database.ts';
import type { DeviceRegistrations } from './device-registrations.ts';
import { CONTROLLED_DEVICE } from './names.ts';
import { phoneKind } from './selection/phone-kind.ts';
import type { Appearance } from './selection/select-device.ts';

/** CUCM writes the `+` of a directory number with a backslash. */
const ESCAPED_PLUS = /^\\\+/;

/** Lines on phones that the user controls and that CTI may drive, by device, then by button. */
export async function readAppearances(
  db: Kysely<Database>,
  user: { readonly pkid: string; readonly userid: string },
  registrations: DeviceRegistrations,
): Promise<Appearance[]> {
  const rows = await db
    .selectFrom('enduserdevicemap as map')
    .innerJoin('device', 'device.pkid', 'map.fkdevice')
    .innerJoin('devicenumplanmap as button', 'button.fkdevice', 'device.pkid')
    .innerJoin('numplan', 'numplan.pkid', 'button.fknumplan')
    .where('map.fkenduser', '=', user.pkid)
    .where('map.tkuserassociation', '=', CONTROLLED_DEVICE)
    .where('device.allowcticontrol', '=', 1)
    .where('device.deletedat', 'is', null)
    .where('numplan.deletedat', 'is', null)
    .select([
      'device.name',
      'device.description',
      'device.product',
      'device.owneruserid',
      'numplan.dnorpattern',
      'numplan.partition',
      'button.numplanindex',
    ])
    .distinct()
    .orderBy('device.name')
    .orderBy('button.numplanindex')
    .execute();
  const userid = user.userid.toLowerCase();
  return rows.map((row) => ({
    device: row.name,
    description: row.description,
    product: row.product,
    kind: phoneKind(row.product),
    line: row.dnorpattern.replace(ESCAPED_PLUS, '+'),
    partition: row.partition,
    isRegistered: registrations.isRegistered(row.name),
    isOwnersPrimary: row.owneruserid.toLowerCase() === userid && row.numplanindex === 1,
  }));
}
