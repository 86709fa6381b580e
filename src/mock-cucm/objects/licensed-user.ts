import type { AxlObject } from './axl-object.ts';
import { computed } from './field.ts';

const DEVICES = '(SELECT count(*) FROM device d WHERE d.fkenduser = t.pkid)';
/** What the user needs by the number of devices: Essential up to Professional. */
const LICENSE = `(CASE WHEN ${DEVICES} = 0 THEN 'Essential' WHEN ${DEVICES} = 1 THEN 'Basic'
  WHEN ${DEVICES} = 2 THEN 'Enhanced' ELSE 'CUWL Professional' END)`;

/** How many licences users need; read-only. */
export const licensedUserObject: AxlObject = {
  name: 'LicensedUser',
  tag: 'licensedUser',
  table: 'enduser',
  verbs: ['get', 'list'],
  key: ['userId'],
  criteria: [{ tag: 'userId' }, { tag: 'firstName' }, { tag: 'lastName' }],
  orderBy: 't.userid COLLATE NOCASE',
  notFound: () => 'LicensedUser',
  fields: [
    computed('userId', 'gl', 't.userid'),
    computed('firstName', 'gl', 't.firstname'),
    computed('lastName', 'gl', 't.lastname'),
    computed('snrEnabled', 'gl', 't.enablemobility', 'flag'),
    computed('emEnabled', 'gl', 't.enableemcc', 'flag'),
    computed('deviceCount', 'gl', DEVICES),
    computed('licenseType', 'gl', LICENSE),
    computed('licenseUsed', 'gl', LICENSE),
  ],
};
