/** Persistent rooms of the Text Conference Manager. Not watched by the feed. */

export interface TcRoomRow {
  /** Bare address. */
  room: string;
  /** JSON: what its owner decided (`RoomConfig`). */
  config: string;
  /** The subject as the message that set it; '' when there is none. */
  subject: string;
  subjectid: string;
  /** Milliseconds since the epoch. */
  subjectat: number;
}

export interface TcRoomAffiliationRow {
  room: string;
  /** Bare address. */
  jid: string;
  affiliation: 'owner' | 'admin' | 'member' | 'outcast';
  reason: string;
}

export interface TcRoomMessageRow {
  room: string;
  /** Stanza id; sorts by time. */
  id: string;
  at: number;
  stanza: string;
}
