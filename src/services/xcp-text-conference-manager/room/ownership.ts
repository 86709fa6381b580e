import { attribute, element, type XmlElement } from '../../../xml/element.ts';
import {
  childText,
  el,
  type Iq,
  iqResult,
  message,
  NS,
  readForm,
  StanzaError,
  tryParseJid,
  writeForm,
} from '../../../xmpp/xmpp.ts';
import { putOut } from './administration.ts';
import { toEverybody } from './messages.ts';
import { tell } from './occupant-presence.ts';
import { affiliationMay, isAtLeast } from './privileges.ts';
import { type RoomConfig, readConfigForm, writeConfigForm } from './room-config.ts';
import { affiliationOf, type RoomStanza, type RoomState, type Step, type StepContext, settled } from './room-state.ts';

/** `muc#owner` (XEP-0045 10): the configuration form, and the end of a room. */
export function own(state: RoomState, request: RoomStanza<Iq>, payload: XmlElement, context: StepContext): Step {
  if (!affiliationMay(affiliationOf(state, request.from), 'configure')) {
    throw new StanzaError('forbidden', 'the room is its owners’ to configure');
  }
  if (request.type === 'get') {
    const form = writeForm(writeConfigForm(state.config, state.jid.bare));
    return { state, sends: [iqResult(request, el(NS.mucOwner, 'query', {}, form))] };
  }
  const wanted = element(payload, 'destroy', NS.mucOwner);
  if (wanted !== undefined) return destroy(state, request, wanted);
  const source = element(payload, 'x', NS.forms);
  if (source === undefined) throw new StanzaError('bad-request', 'neither a form nor the end of the room');
  const form = readForm(source);
  if (form.type === 'cancel') {
    // XEP-0045 10.1.3: a room that its creator does not configure is none.
    if (state.isLocked) return destroy(state, request, undefined);
    return { state, sends: [iqResult(request)] };
  }
  if (form.type !== 'submit') throw new StanzaError('bad-request', 'the form is not submitted');
  return configure(state, request, readConfigForm(form, state.config, context.limits));
}

function configure(state: RoomState, request: RoomStanza<Iq>, config: RoomConfig): Step {
  const opened: RoomState = { ...state, config, isLocked: false };
  const sends: XmlElement[] = [iqResult(request)];
  const codes = statusCodes(state.config, config);
  // XEP-0045 10.2.1: nobody is told of a room that opens with this.
  if (!state.isLocked && codes.length > 0) {
    const x = el(NS.mucUser, 'x', {}, ...codes.map((code) => el(NS.mucUser, 'status', { code })));
    sends.push(...toEverybody(opened, message({ from: state.jid, type: 'groupchat' }, x)));
  }
  const strangers = [...opened.occupants.values()].filter(
    ({ user }) => config.isMembersOnly && !isAtLeast(affiliationOf(opened, user), 'member'),
  );
  const left = putOut(opened, strangers, { statuses: [322] });
  sends.push(...left.sends);
  // Who may see real addresses now has not seen them yet.
  if (state.config.whois !== 'anyone' && config.whois === 'anyone') {
    for (const occupant of left.state.occupants.values()) {
      sends.push(...tell(left.state, occupant, left.state.occupants.values()));
    }
  }
  return settled(left.state, sends);
}

/** What occupants are told of a new configuration (XEP-0045 10.2.1); empty when it is as it was. */
function statusCodes(before: RoomConfig, after: RoomConfig): number[] {
  const isOther = (Object.keys(after) as (keyof RoomConfig)[]).some((key) => before[key] !== after[key]);
  const whois = before.whois === after.whois ? [] : [after.whois === 'anyone' ? 172 : 173];
  return isOther ? [104, ...whois] : [];
}

/** XEP-0045 10.9. */
function destroy(state: RoomState, request: RoomStanza<Iq>, wanted: XmlElement | undefined): Step {
  const place = wanted === undefined ? undefined : attribute(wanted, 'jid');
  if (place !== undefined && tryParseJid(place) === undefined) {
    throw new StanzaError('jid-malformed', 'the other place has no good address');
  }
  const reason = wanted === undefined ? undefined : childText(wanted, 'reason');
  const password = wanted === undefined ? undefined : childText(wanted, 'password');
  const said = el(
    NS.mucUser,
    'destroy',
    { jid: place },
    ...(reason === undefined ? [] : [el(NS.mucUser, 'reason', {}, reason)]),
    ...(password === undefined ? [] : [el(NS.mucUser, 'password', {}, password)]),
  );
  const sends: XmlElement[] = [iqResult(request)];
  // Each hears of its own going only: nobody is left to be told of the others.
  for (const occupant of state.occupants.values()) {
    sends.push(...tell(state, occupant, [occupant], { type: 'unavailable', affiliation: 'none', destroy: said }));
  }
  return { state: undefined, sends };
}
