/** What the XCP Router keeps for users beside their contact lists. */

/** What a subscription has beyond the contact list's own item (RFC 6121 3.1.3, 3.4). */
export interface SubscriptionDetailRow {
  fkenduser: string;
  /** Bare address as on the wire. */
  contact: string;
  /** 1: a request will be answered with yes. */
  approved: number;
  /** The contact's request that waits for an answer, as XML; '' when there is none. */
  request: string;
  requestedat: number;
}

/** A message that waits for its user (XEP-0160). Not watched by the feed. */
export interface OfflineMessageRow {
  /** Sorts by arrival. */
  id: string;
  fkenduser: string;
  receivedat: number;
  stanza: string;
}

/** Private XML storage (XEP-0049): one element per name, `{namespace}local`. Not watched by the feed. */
export interface PrivateXmlRow {
  fkenduser: string;
  name: string;
  content: string;
}

/** vcard-temp (XEP-0054) as its owner has stored it. Not watched by the feed. */
export interface VcardRow {
  fkenduser: string;
  content: string;
}
