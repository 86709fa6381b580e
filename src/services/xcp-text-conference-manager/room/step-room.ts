import { element, elements } from '../../../xml/element.ts';
import {
  type Iq,
  iqResult,
  type Message,
  NS,
  type Presence,
  readStanzaError,
  StanzaError,
} from '../../../xmpp/xmpp.ts';
import { administer } from './administration.ts';
import { enter, leave, updatePresence } from './entering.ts';
import { decline, invite } from './invitations.ts';
import { speak, whisper } from './messages.ts';
import { passedOn, tell } from './occupant-presence.ts';
import { answerAsked, ask } from './occupant-requests.ts';
import { own } from './ownership.ts';
import { discover } from './room-discovery.ts';
import { occupantBy, type RoomStanza, type RoomState, type Step, type StepContext } from './room-state.ts';
import { requestVoice, voiceFormIn } from './voice-requests.ts';

/**
 * A room and a stanza that is addressed to it, or to somebody in it: the room after it, and what is sent. No input, no
 * output, no time of its own. What it throws refuses the stanza, and changes nothing.
 *
 * @throws StanzaError as XEP-0045 says; XmppError `xmpp.form`
 */
export function stepRoom(state: RoomState, stanza: RoomStanza, context: StepContext): Step {
  if (stanza.kind === 'presence') return stepPresence(state, stanza, context);
  if (stanza.kind === 'message') return stepMessage(state, stanza, context);
  return stepIq(state, stanza, context);
}

function stepPresence(state: RoomState, stanza: RoomStanza<Presence>, context: StepContext): Step {
  const { from, to, type } = stanza;
  const occupant = occupantBy(state, from);
  switch (type) {
    case 'available':
      // XEP-0045 7.2.1: a nickname is part of it.
      if (to.resource === null) throw new StanzaError('jid-malformed', 'the address has no nickname');
      if (occupant !== undefined) return updatePresence(state, occupant, stanza, to.resource, context);
      if (!isEntering(stanza)) throw new StanzaError('item-not-found', 'you are not in the room');
      return enter(state, stanza, to.resource, context);
    case 'unavailable':
      if (occupant === undefined) return { state, sends: [] };
      return leave(state, occupant, from, { said: passedOn(stanza.element, state.jid) });
    case 'error':
      return occupant === undefined ? { state, sends: [] } : leave(state, occupant, from, { statuses: [333] });
    default:
      // A room has no subscribers.
      return { state, sends: [] };
  }
}

/** Whether the presence asks to enter, rather than to be told to those inside (XEP-0045 7.2.1). */
export function isEntering(stanza: Presence): boolean {
  return stanza.type === 'available' && element(stanza.element, 'x', NS.muc) !== undefined;
}

function stepMessage(state: RoomState, stanza: RoomStanza<Message>, context: StepContext): Step {
  const { from, to, type } = stanza;
  const occupant = occupantBy(state, from);
  if (type === 'error') {
    // An occupant to whom nothing can be sent is there no more.
    if (occupant === undefined || !isGone(stanza)) return { state, sends: [] };
    return leave(state, occupant, from, { statuses: [333] });
  }
  if (to.resource !== null || type === 'groupchat') {
    if (occupant === undefined) throw new StanzaError('not-acceptable', 'you are not in the room');
    if (to.resource !== null) return whisper(state, occupant, to.resource, stanza);
    return speak(state, occupant, stanza, context);
  }
  const user = element(stanza.element, 'x', NS.mucUser);
  if (user !== undefined) {
    const invitations = elements(user, 'invite', NS.mucUser);
    if (invitations.length > 0) return invite(state, stanza, invitations, context);
    const declined = element(user, 'decline', NS.mucUser);
    if (declined !== undefined) return decline(state, stanza, declined);
  }
  const form = voiceFormIn(stanza);
  if (form !== undefined) {
    if (occupant === undefined) throw new StanzaError('not-acceptable', 'you are not in the room');
    return requestVoice(state, occupant, stanza, form, context);
  }
  throw new StanzaError('bad-request', 'a room takes messages of type groupchat');
}

/** Conditions that say that an address takes nothing any more, and not only this message. */
const GONE = new Set([
  'gone',
  'item-not-found',
  'jid-malformed',
  'recipient-unavailable',
  'redirect',
  'remote-server-not-found',
  'remote-server-timeout',
  'service-unavailable',
]);

function isGone(stanza: Message): boolean {
  return GONE.has(readStanzaError(stanza.element).condition);
}

function stepIq(state: RoomState, stanza: RoomStanza<Iq>, context: StepContext): Step {
  const { payload, to, type } = stanza;
  const isAnswer = type === 'result' || type === 'error';
  if (to.resource !== null) {
    return isAnswer ? answerAsked(state, to.resource, stanza) : ask(state, to.resource, stanza);
  }
  if (isAnswer || payload === null) return { state, sends: [] };
  if (payload.uri === NS.mucAdmin) return administer(state, stanza, payload, context);
  if (payload.uri === NS.mucOwner) return own(state, stanza, payload, context);
  if (type === 'get' && (payload.uri === NS.discoInfo || payload.uri === NS.discoItems)) return discover(state, stanza);
  if (type === 'get' && payload.uri === NS.ping) return { state, sends: [iqResult(stanza)] };
  throw new StanzaError('service-unavailable', '');
}

/** The service goes down: everybody is told, and nobody is left (XEP-0045 17.5, code 332). */
export function closeRoom(state: RoomState): Step {
  const sends = [...state.occupants.values()].flatMap((occupant) =>
    tell(state, occupant, [occupant], { type: 'unavailable', statuses: [332] }),
  );
  return { state: undefined, sends };
}
