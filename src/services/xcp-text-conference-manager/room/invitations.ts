import { attribute, element, type XmlElement } from '../../../xml/element.ts';
import { childText, el, type Jid, type Message, message, NS, StanzaError, tryParseJid } from '../../../xmpp/xmpp.ts';
import { bareOf } from './occupant-presence.ts';
import { isAtLeast, roleMay } from './privileges.ts';
import {
  affiliationOf,
  occupantBy,
  occupantOfUser,
  type RoomStanza,
  type RoomState,
  type Step,
  type StepContext,
  withAffiliation,
} from './room-state.ts';

/** Invitations that one message may carry. */
const MAX_INVITED = 50;

/** The room invites in an occupant's name (XEP-0045 7.8.2). */
export function invite(
  state: RoomState,
  stanza: RoomStanza<Message>,
  invitations: readonly XmlElement[],
  context: StepContext,
): Step {
  const { from } = stanza;
  const occupant = occupantBy(state, from);
  if (occupant === undefined) throw new StanzaError('not-acceptable', 'only occupants invite');
  const affiliation = affiliationOf(state, from);
  const isPrivileged = isAtLeast(affiliation, 'admin');
  if (!isPrivileged && !roleMay(occupant.role, 'invite', state.config)) {
    throw new StanzaError('forbidden', 'you may not invite');
  }
  if (invitations.length > MAX_INVITED) throw new StanzaError('not-acceptable', 'too many invitations at once');
  let next = state;
  const sends = invitations.map((source) => {
    const invitee = addressIn(source, 'to');
    // A room that writes to itself would wait for itself.
    if (invitee.domain === state.jid.domain) throw new StanzaError('not-acceptable', 'rooms are not invited');
    // A member list decides who enters: who is invited to such a room stands on it from then on.
    if (state.config.isMembersOnly && affiliationOf(next, invitee) === 'none') {
      if (next.affiliations.size >= context.limits.affiliations) {
        throw new StanzaError('not-acceptable', 'the member list is full');
      }
      next = withAffiliation(next, bareOf(invitee), 'member', '');
    }
    const reason = childText(source, 'reason');
    const goesOn = element(source, 'continue', NS.mucUser);
    const said = el(
      NS.mucUser,
      'invite',
      { from: from.bare },
      ...(reason === undefined ? [] : [el(NS.mucUser, 'reason', {}, reason)]),
      ...(goesOn === undefined ? [] : [el(NS.mucUser, 'continue', { thread: attribute(goesOn, 'thread') })]),
    );
    const password = state.config.password === null ? [] : [el(NS.mucUser, 'password', {}, state.config.password)];
    return message({ from: state.jid, to: invitee, id: context.id }, el(NS.mucUser, 'x', {}, said, ...password));
  });
  return { state: next, sends };
}

/** Who was invited says no (XEP-0045 7.8.2); the inviter hears it where it still is in the room. */
export function decline(state: RoomState, stanza: RoomStanza<Message>, source: XmlElement): Step {
  const inviter = addressIn(source, 'to');
  const occupant = occupantOfUser(state, inviter);
  if (occupant === undefined) throw new StanzaError('item-not-found', 'the inviter is not in the room');
  const reason = childText(source, 'reason');
  const said = el(
    NS.mucUser,
    'decline',
    { from: stanza.from.bare },
    ...(reason === undefined ? [] : [el(NS.mucUser, 'reason', {}, reason)]),
  );
  const sends = occupant.sessions.map(({ jid }) =>
    message({ from: state.jid, to: jid, id: stanza.id }, el(NS.mucUser, 'x', {}, said)),
  );
  return { state, sends };
}

function addressIn(source: XmlElement, name: string): Jid {
  const found = tryParseJid(attribute(source, name) ?? '');
  if (found === undefined) throw new StanzaError('jid-malformed', `${name} is no address`);
  return found;
}
