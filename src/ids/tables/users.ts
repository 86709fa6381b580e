/** End users and application users. Keys are CUCM's own pkids: lower case, without braces. Booleans are 0 and 1. */

export interface EndUserRow {
  pkid: string;
  userid: string;
  firstname: string;
  middlename: string;
  lastname: string;
  displayname: string;
  mailid: string;
  department: string;
  title: string;
  manager: string;
  telephonenumber: string;
  homenumber: string;
  mobilenumber: string;
  pagernumber: string;
  userlocale: string;
  directoryuri: string;
  /** `userid@domain`: the bare address clients know. */
  imaddress: string;
  /** Local part of the JID: the user id, lower-cased and escaped (XEP-0106). */
  xcp_user_id: string;
  /** IM and Presence enabled. */
  enablecups: number;
  /** CUCM's home cluster flag. */
  islocaluser: number;
  /** 1 active, 0 inactive. */
  status: number;
  enablecalendarpresence: number;
  presencegroup: string;
  serviceprofile: string;
  /** Directory number of the primary extension, '' when none. */
  primaryextension: string;
  /** `enterprisenode.id`; null when unassigned or of a peer cluster. */
  primarynodeid: number | null;
  /** 0 unassigned, 1 assigned, 2 waiting for assignment (a node is failed over). */
  tkassignmentstate: number;
  /** Peer cluster that owns the user; null for ours. */
  peerclusterid: string | null;
  /** Name of the user's node in the peer cluster. */
  peernode: string | null;
  /** Soft deletion: milliseconds since the epoch; null while the user exists. */
  deletedat: number | null;
}

/** A CUCM application user; `groups` decides what it may do. */
export interface ApplicationUserRow {
  pkid: string;
  name: string;
  isstandard: number;
  presencegroup: string;
  deletedat: number | null;
}

/** An access control group (`Admin-3rd Party API`, `Standard CCM End Users` …). */
export interface DirGroupRow {
  pkid: string;
  name: string;
  deletedat: number | null;
}

export interface EndUserDirGroupMapRow {
  fkenduser: string;
  fkdirgroup: string;
}

export interface ApplicationUserDirGroupMapRow {
  fkapplicationuser: string;
  fkdirgroup: string;
}

/** Settings a user made through a client (`Privacy.Internal` …). */
export interface EndUserPropertyRow {
  fkenduser: string;
  name: string;
  value: string;
}

/** A salted scrypt verifier, kept so that users can sign in while CUCM is away. Not watched by the feed. */
export interface CredentialVerifierRow {
  /** User id in lower case. */
  userid: string;
  kind: 'enduser' | 'applicationuser';
  /** Base64. */
  salt: string;
  /** Base64 of the scrypt output. */
  verifier: string;
  verifiedat: number;
}
