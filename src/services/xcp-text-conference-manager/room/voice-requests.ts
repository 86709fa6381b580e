import { element, type XmlElement } from '../../../xml/element.ts';
import {
  booleanValue,
  formTypeField,
  type Message,
  message,
  NS,
  readForm,
  StanzaError,
  submittedValues,
  writeForm,
} from '../../../xmpp/xmpp.ts';
import { applyItems } from './administration.ts';
import { lastOf } from './occupant-presence.ts';
import type { Occupant, RoomStanza, RoomState, Step, StepContext } from './room-state.ts';

const VOICE_FORM = 'http://jabber.org/protocol/muc#request';

/** The form of a request for voice, or of a moderator's answer to one, that a message carries. */
export function voiceFormIn(stanza: Message): XmlElement | undefined {
  const x = element(stanza.element, 'x', NS.forms);
  if (x === undefined) return undefined;
  return submittedValues(readForm(x)).get('FORM_TYPE')?.[0] === VOICE_FORM ? x : undefined;
}

/** A visitor asks for voice: the moderators get a form; one of them submits it (XEP-0045 7.13, 8.6). */
export function requestVoice(
  state: RoomState,
  occupant: Occupant,
  stanza: RoomStanza<Message>,
  source: XmlElement,
  context: StepContext,
): Step {
  const values = submittedValues(readForm(source));
  const allowed = values.get('muc#request_allow')?.[0];
  const nick = values.get('muc#roomnick')?.[0];
  if (allowed !== undefined && nick !== undefined) {
    if (booleanValue(allowed) !== true) return { state, sends: [] };
    return applyItems(state, stanza.from, [{ nick, role: 'participant' }], context);
  }
  if (occupant.role !== 'visitor') throw new StanzaError('bad-request', 'you have voice already');
  const form = writeForm({
    type: 'form',
    title: 'Request for voice',
    fields: [
      formTypeField(VOICE_FORM),
      { name: 'muc#role', type: 'list-single', label: 'Requested role', values: ['participant'] },
      { name: 'muc#jid', type: 'jid-single', label: 'Address', values: [lastOf(occupant).jid.full] },
      { name: 'muc#roomnick', type: 'text-single', label: 'Nickname', values: [occupant.nick] },
      { name: 'muc#request_allow', type: 'boolean', label: 'Grant voice?', values: ['0'] },
    ],
  });
  const moderators = [...state.occupants.values()].filter(({ role }) => role === 'moderator');
  const sends = moderators.flatMap(({ sessions }) =>
    sessions.map(({ jid }) => message({ from: state.jid, to: jid, id: context.id }, form)),
  );
  return { state, sends };
}
