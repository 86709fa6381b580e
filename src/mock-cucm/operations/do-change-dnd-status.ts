import { element, type XmlElement } from '../../xml/element.ts';
import { textElement } from '../../xml/write.ts';
import { AXL_CODE, AxlFault, notFound } from '../message/axl-fault.ts';
import { valueText } from '../message/read-request.ts';
import { parseFlag, parseUuid } from '../message/values.ts';
import type { Reading } from '../store/access.ts';
import type { Operation } from './operation.ts';

/** `doChangeDNDStatus`: do not disturb on all phones that the user controls or owns. */
export const doChangeDndStatus: Operation = {
  name: 'doChangeDNDStatus',
  isWrite: true,
  async run({ store }, payload) {
    const status = element(payload, 'dndStatus');
    if (!status) throw new AxlFault(AXL_CODE.invalid, 'dndStatus is required');
    const value = parseFlag('dndStatus', valueText(status)) ? 't' : 'f';
    await store.write((writing) => {
      const user = userOf(writing, payload);
      const devices = writing.all<{ pkid: string }>(
        `SELECT fkdevice AS pkid FROM enduserdevicemap WHERE fkenduser = ? AND tkuserassociation = 1
         UNION SELECT pkid FROM device WHERE fkenduser = ?`,
        user,
        user,
      );
      for (const device of devices) {
        writing.run(
          `INSERT INTO dnddynamic (pkid, fkdevice, dndstatus) VALUES (?, ?, ?)
           ON CONFLICT (fkdevice) DO UPDATE SET dndstatus = excluded.dndstatus WHERE dndstatus <> excluded.dndstatus`,
          writing.newPkid(),
          device.pkid,
          value,
        );
      }
    });
    return textElement('return', true);
  },
};

function userOf(reading: Reading, payload: XmlElement): string {
  const uuid = element(payload, 'uuid');
  const userid = element(payload, 'userID') ?? element(payload, 'userid');
  const byId = uuid ? parseUuid(valueText(uuid)) : undefined;
  const row =
    byId === undefined
      ? reading.get<{ pkid: string }>(
          'SELECT pkid FROM enduser WHERE userid = ? COLLATE NOCASE',
          userid ? valueText(userid) : '',
        )
      : reading.get<{ pkid: string }>('SELECT pkid FROM enduser WHERE pkid = ?', byId);
  if (!row) throw notFound('User');
  return row.pkid;
}
