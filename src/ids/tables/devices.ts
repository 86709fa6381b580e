/** Devices and lines of CUCM, keyed by CUCM's pkids. */

export interface DeviceRow {
  pkid: string;
  name: string;
  description: string;
  product: string;
  model: string;
  protocol: string;
  devicepool: string;
  /** `userid` of the owner as CUCM gives it; '' when none. */
  owneruserid: string;
  allowcticontrol: number;
  dndstatus: number;
  /** `Ringer Off`, `Call Reject` or `Use Common Phone Profile Setting`. */
  dndoption: string;
  deletedat: number | null;
}

/** A directory number. `partition` is '' for the null partition. */
export interface NumPlanRow {
  pkid: string;
  dnorpattern: string;
  partition: string;
  description: string;
  alertingname: string;
  deletedat: number | null;
}

/** Which line stands at which button of which device. */
export interface DeviceNumPlanMapRow {
  pkid: string;
  fkdevice: string;
  fknumplan: string;
  numplanindex: number;
  label: string;
  display: string;
}

/** Which users control which devices (1 controlled device, 5 user profile, 7 CTI profile). */
export interface EndUserDeviceMapRow {
  pkid: string;
  fkenduser: string;
  fkdevice: string;
  tkuserassociation: number;
}
