import { attribute, element } from '../../../xml/element.ts';
import { addressed, childText, el, type Jid, message, NS, type Presence, StanzaError } from '../../../xmpp/xmpp.ts';
import { readHistoryRequest, replay, selectHistory } from './history.ts';
import { bareOf, passedOn, presenceFor, roomStatuses, tell } from './occupant-presence.ts';
import { affiliationMay, initialRole, isAtLeast } from './privileges.ts';
import {
  affiliationOf,
  type Occupant,
  type OccupantSession,
  occupantJid,
  type RoomStanza,
  type RoomState,
  type Step,
  type StepContext,
  settled,
  withOccupant,
} from './room-state.ts';

/** Somebody enters, with a first resource or a further one, or anew because it has lost its place (XEP-0045 7.2). */
export function enter(state: RoomState, stanza: RoomStanza<Presence>, nick: string, context: StepContext): Step {
  const { from } = stanza;
  const before = state.occupants.get(nick);
  if (before === undefined || !state.nicks.has(from.full)) mayEnter(state, stanza, before, context);
  const session: OccupantSession = { jid: from, said: passedOn(stanza.element, state.jid) };
  const role = before?.role ?? initialRole(affiliationOf(state, from), state.config.isModerated);
  if (role === 'none') throw new StanzaError('forbidden', 'you are banned from this room');
  const occupant: Occupant = {
    nick,
    jid: occupantJid(state, nick),
    user: bareOf(from),
    role,
    sessions: [...(before?.sessions ?? []).filter(({ jid }) => jid.full !== from.full), session],
  };
  const isFirst = state.occupants.size === 0;
  const next = withOccupant(state, occupant);
  const others = [...next.occupants.values()].filter((each) => each.nick !== nick);
  const ownStatuses = [
    ...roomStatuses(next, context.isLogged),
    ...(isFirst && state.isLocked ? [201] : []),
    // XEP-0045 7.2.2: the nickname is not the one asked for, letter by letter (RFC 7622 has prepared it).
    ...(isAsWritten(stanza, nick) ? [] : [210]),
  ];
  const toOthers = tell(next, occupant, others);
  const toOwn = occupant.sessions.map(({ jid }) =>
    presenceFor(next, occupant, occupant, jid, jid.full === from.full ? { ownStatuses } : {}),
  );
  // XEP-0045 7.1: the others' presence, then the own, then history, then the subject.
  const present = others.map((other) => presenceFor(next, other, occupant, from));
  const past = selectHistory(
    next.history,
    readHistoryRequest(historyOf(stanza), context.atMs),
    next.config.historyLength,
  ).map((each) => replay(next, each, from));
  return { state: next, sends: [...present, ...toOthers, ...toOwn, ...past, subjectFor(next, from)] };
}

/** @throws StanzaError as XEP-0045 7.2.5 to 7.2.9 say, in the order of what a person can do least about */
function mayEnter(
  state: RoomState,
  { from, element: source }: RoomStanza<Presence>,
  before: Occupant | undefined,
  context: StepContext,
): void {
  const { config } = state;
  const affiliation = affiliationOf(state, from);
  if (state.isLocked && affiliation !== 'owner') throw new StanzaError('item-not-found', 'the room is not open yet');
  if (!affiliationMay(affiliation, 'enter open room')) throw new StanzaError('forbidden', 'you are banned here');
  if (config.isMembersOnly && !affiliationMay(affiliation, 'enter members-only room')) {
    throw new StanzaError('registration-required', 'only members may enter');
  }
  const x = element(source, 'x', NS.muc);
  if (config.password !== null && (x === undefined ? undefined : childText(x, 'password')) !== config.password) {
    throw new StanzaError('not-authorized', 'the room has a password');
  }
  if (before !== undefined && before.user.bare !== from.bare) {
    throw new StanzaError('conflict', 'the nickname is taken');
  }
  if (before === undefined) hasRoomFor(state, isAtLeast(affiliation, 'admin'), context);
}

function hasRoomFor(state: RoomState, isPrivileged: boolean, context: StepContext): void {
  // XEP-0045 7.2.9: admins and owners are let in beyond the room's own number, nobody beyond the service's.
  const most = isPrivileged ? context.limits.maxUsers : Math.min(state.config.maxUsers, context.limits.maxUsers);
  if (state.occupants.size >= most) throw new StanzaError('service-unavailable', 'the room is full', { type: 'wait' });
}

/** What an occupant says of itself: its availability, or another nickname (XEP-0045 7.6, 7.7). */
export function updatePresence(
  state: RoomState,
  occupant: Occupant,
  stanza: RoomStanza<Presence>,
  nick: string,
  context: StepContext,
): Step {
  if (nick !== occupant.nick) return changeNick(state, occupant, stanza, nick);
  if (element(stanza.element, 'x', NS.muc) !== undefined) return enter(state, stanza, nick, context);
  const next = withSaid(state, occupant, stanza);
  return { state: next.state, sends: tell(next.state, next.occupant, next.state.occupants.values()) };
}

function changeNick(state: RoomState, occupant: Occupant, stanza: RoomStanza<Presence>, nick: string): Step {
  if (state.occupants.has(nick)) throw new StanzaError('conflict', 'the nickname is taken');
  const viewers = [...state.occupants.values()];
  const left = tell(state, occupant, viewers, {
    ...{ type: 'unavailable', statuses: [303], role: occupant.role, nick },
  });
  const renamed = withSaid(state, occupant, stanza).occupant;
  const named: Occupant = { ...renamed, nick, jid: occupantJid(state, nick) };
  // In its place: the order of entering stays.
  const occupants = new Map(
    [...state.occupants].map(([key, each]) => (key === occupant.nick ? [nick, named] : [key, each])),
  );
  const next = withOccupant({ ...state, occupants }, named);
  const ownStatuses = isAsWritten(stanza, nick) ? [] : [210];
  return { state: next, sends: [...left, ...tell(next, named, next.occupants.values(), { ownStatuses })] };
}

function withSaid(
  state: RoomState,
  occupant: Occupant,
  stanza: RoomStanza<Presence>,
): { readonly state: RoomState; readonly occupant: Occupant } {
  const session: OccupantSession = { jid: stanza.from, said: passedOn(stanza.element, state.jid) };
  const others = occupant.sessions.filter(({ jid }) => jid.full !== stanza.from.full);
  const changed = { ...occupant, sessions: [...others, session] };
  return { state: withOccupant(state, changed), occupant: changed };
}

/**
 * A session leaves (XEP-0045 7.14), or is found to be there no more.
 * @param leaving what it says with it, and codes for everybody
 */
export function leave(
  state: RoomState,
  occupant: Occupant,
  session: Jid,
  leaving: Pick<Parameters<typeof presenceFor>[4] & object, 'said' | 'statuses' | 'reason'> = {},
): Step {
  const rest = occupant.sessions.filter(({ jid }) => jid.full !== session.full);
  const viewers = [...state.occupants.values()];
  if (rest.length > 0) {
    const stays: Occupant = { ...occupant, sessions: rest };
    const next = withOccupant(state, stays);
    const bye = presenceFor(state, occupant, occupant, session, { ...leaving, type: 'unavailable' });
    return { state: next, sends: [bye, ...tell(next, stays, next.occupants.values())] };
  }
  const gone = tell(state, occupant, viewers, { ...leaving, type: 'unavailable' });
  const [occupants, nicks] = [new Map(state.occupants), new Map(state.nicks)];
  occupants.delete(occupant.nick);
  nicks.delete(session.full);
  return settled({ ...state, occupants, nicks }, gone);
}

/** The subject as one who enters gets it, last of all; an empty one says that there is none (XEP-0045 7.2.15). */
function subjectFor(state: RoomState, to: Jid) {
  if (state.subject !== null) return replay(state, state.subject, to);
  return addressed(message({ from: state.jid, type: 'groupchat' }, el(NS.client, 'subject')), { to });
}

function historyOf(stanza: Presence) {
  const x = element(stanza.element, 'x', NS.muc);
  return x === undefined ? undefined : element(x, 'history', NS.muc);
}

function isAsWritten(stanza: Presence, nick: string): boolean {
  const to = attribute(stanza.element, 'to') ?? '';
  return to.slice(to.indexOf('/') + 1) === nick;
}
