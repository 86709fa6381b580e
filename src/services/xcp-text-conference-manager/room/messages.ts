import { element, type XmlElement } from '../../../xml/element.ts';
import {
  addressed,
  el,
  type Message,
  NS,
  StanzaError,
  withAttributes,
  withChildren,
  withStanzaId,
} from '../../../xmpp/xmpp.ts';
import { isUnkept, pastMessage, remember } from './history.ts';
import { passedOn } from './occupant-presence.ts';
import { roleMay } from './privileges.ts';
import type { Occupant, RoomStanza, RoomState, Step, StepContext } from './room-state.ts';

/** A message to everybody (XEP-0045 7.4), or a new subject (8.1). */
export function speak(state: RoomState, occupant: Occupant, stanza: RoomStanza<Message>, context: StepContext): Step {
  // XEP-0045 8.1: what has a body besides is no change of the subject.
  const isSubject =
    element(stanza.element, 'subject', NS.client) !== undefined &&
    element(stanza.element, 'body', NS.client) === undefined;
  if (isSubject && !roleMay(occupant.role, 'change subject', state.config)) {
    throw new StanzaError('forbidden', 'you may not change the subject');
  }
  if (!isSubject && !roleMay(occupant.role, 'speak', state.config)) {
    throw new StanzaError('forbidden', 'you have no voice in this room');
  }
  const said = withStanzaId(asOf(stanza, occupant, state), context.id, state.jid);
  const sends = toEverybody(state, said);
  if (isSubject) return { state: { ...state, subject: pastMessage(said, context) }, sends };
  const isKept = element(said, 'body', NS.client) !== undefined && !isUnkept(said);
  if (!isKept) return { state, sends };
  const bounds = { historyLength: context.limits.historyLength, historySize: context.limits.historySize };
  return { state: { ...state, history: remember(state.history, pastMessage(said, context), bounds) }, sends };
}

/** A message to one occupant (XEP-0045 7.5): every resource of it gets it. */
export function whisper(state: RoomState, occupant: Occupant, nick: string, stanza: RoomStanza<Message>): Step {
  if (stanza.type === 'groupchat') throw new StanzaError('bad-request', 'a private message is not of type groupchat');
  if (!roleMay(occupant.role, 'send private messages', state.config)) {
    throw new StanzaError('forbidden', 'you may not send private messages here');
  }
  const target = occupantAt(state, nick);
  const said = asOf(stanza, occupant, state);
  const marked = withChildren(said, [...said.children, el(NS.mucUser, 'x')]);
  return { state, sends: target.sessions.map(({ jid }) => addressed(marked, { to: jid })) };
}

/** @throws StanzaError `item-not-found` */
export function occupantAt(state: RoomState, nick: string): Occupant {
  const found = state.occupants.get(nick);
  if (found === undefined) throw new StanzaError('item-not-found', 'there is nobody of that nickname');
  return found;
}

export function toEverybody(state: RoomState, source: XmlElement): XmlElement[] {
  return [...state.occupants.values()].flatMap(({ sessions }) =>
    sessions.map(({ jid }) => addressed(source, { to: jid })),
  );
}

/** The message in the occupant's name, addressed to nobody yet. */
function asOf(stanza: RoomStanza<Message>, occupant: Occupant, state: RoomState): XmlElement {
  const named = withAttributes(stanza.element, { from: occupant.jid.full, to: null });
  return withChildren(named, passedOn(named, state.jid));
}
