import { createHash } from 'node:crypto';
import { type Iq, iqResult, type Jid, NS, StanzaError, withAttributes } from '../../../xmpp/xmpp.ts';
import { occupantAt } from './messages.ts';
import { lastOf } from './occupant-presence.ts';
import { type OccupantSession, occupantBy, type RoomStanza, type RoomState, type Step } from './room-state.ts';

const VCARD = 'vcard-temp';
/** Says which session of the asker an answer is for. */
const TAG_LENGTH = 8;

/** A request of one occupant to another (XEP-0045 17.4), or to itself, which asks whether it is still here (XEP-0410). */
export function ask(state: RoomState, nick: string, stanza: RoomStanza<Iq>): Step {
  const asker = occupantBy(state, stanza.from);
  if (asker === undefined) throw new StanzaError('not-acceptable', 'you are not in the room');
  if (nick === asker.nick && stanza.payload?.uri === NS.ping) return { state, sends: [iqResult(stanza)] };
  const target = occupantAt(state, nick);
  // A vCard is the account's to answer.
  const to = stanza.payload?.uri === VCARD ? target.user : lastOf(target).jid;
  const id = `${tagOf(stanza.from)}${stanza.id}`;
  return { state, sends: [withAttributes(stanza.element, { from: asker.jid.full, to: to.full, id })] };
}

/** The answer comes back to the session that asked; what answers nothing vanishes. */
export function answerAsked(state: RoomState, nick: string, stanza: RoomStanza<Iq>): Step {
  const answerer = occupantBy(state, stanza.from) ?? byUser(state, stanza.from);
  const session = state.occupants.get(nick)?.sessions.find((each) => isFor(each, stanza.id));
  if (answerer === undefined || session === undefined) return { state, sends: [] };
  const id = stanza.id.slice(TAG_LENGTH);
  return {
    state,
    sends: [withAttributes(stanza.element, { from: answerer.jid.full, to: session.jid.full, id })],
  };
}

function byUser(state: RoomState, from: Jid) {
  return from.resource === null ? [...state.occupants.values()].find(({ user }) => user.bare === from.bare) : undefined;
}

function isFor({ jid }: OccupantSession, id: string): boolean {
  return id.startsWith(tagOf(jid));
}

function tagOf(jid: Jid): string {
  return createHash('sha256').update(jid.full).digest('base64url').slice(0, TAG_LENGTH);
}
