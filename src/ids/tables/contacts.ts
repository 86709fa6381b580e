/** A user's contact list: the XMPP roster and the Client Profile Agent's list in one. */

export interface RosterGroupRow {
  pkid: string;
  fkenduser: string;
  /** Unicode NFC, compared exactly. */
  name: string;
  position: number;
}

export interface RosterItemRow {
  pkid: string;
  fkenduser: string;
  contactuser: string;
  contactdomain: string;
  nickname: string;
  presenceaware: number;
  /** RFC 6121 2.1.2.5: `none`, `to`, `from`, `both`. */
  subscription: string;
  /** RFC 6121 3.1.2: 1 while a subscription request of ours is pending. */
  ask: number;
}

export interface RosterItemGroupRow {
  fkrosteritem: string;
  fkrostergroup: string;
  position: number;
}

/** Numbers, mail … that a user keeps of a contact. */
export interface ContactInfoRow {
  fkenduser: string;
  contactuser: string;
  contactdomain: string;
  name: string;
  value: string;
}

/** Access control entries: who may watch the user. */
export interface PeUriAclRow {
  fkenduser: string;
  /** `user@domain`, or a domain. */
  watcher: string;
  type: 'user' | 'domain';
  policy: 'allow' | 'deny';
}
