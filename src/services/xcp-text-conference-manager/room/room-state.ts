import type { XmlElement } from '../../../xml/element.ts';
import { type Jid, jidOf, type Stanza } from '../../../xmpp/xmpp.ts';
import type { Affiliation, Role } from './privileges.ts';
import type { ConfigLimits, RoomConfig } from './room-config.ts';

/** One resource of an occupant. */
export interface OccupantSession {
  /** The real, full address. */
  readonly jid: Jid;
  /** What it last said of itself: the children of its presence, without those that are the room's to say. */
  readonly said: readonly (XmlElement | string)[];
}

/** Somebody in the room, under one nickname, with one resource or several. */
export interface Occupant {
  readonly nick: string;
  /** `room@service/nick`. */
  readonly jid: Jid;
  /** The real, bare address. */
  readonly user: Jid;
  readonly role: Exclude<Role, 'none'>;
  /** At least one; the last one speaks for the occupant's availability. */
  readonly sessions: readonly OccupantSession[];
}

export interface Affiliated {
  /** Bare. */
  readonly jid: Jid;
  readonly affiliation: Exclude<Affiliation, 'none'>;
  readonly reason: string;
}

/** A message that was said in the room, as everybody got it, but without `to`. */
export interface PastMessage {
  /** Its stanza id (XEP-0359); unique. */
  readonly id: string;
  readonly atMs: number;
  readonly element: XmlElement;
  /** Characters of the stanza: what `maxchars` counts. */
  readonly size: number;
}

/** A room between two events. Plain data that is never changed: each event makes a new one. */
export interface RoomState {
  /** Bare. */
  readonly jid: Jid;
  readonly config: RoomConfig;
  /** By bare address; who is not here has none. */
  readonly affiliations: ReadonlyMap<string, Affiliated>;
  /** By nickname, in the order of entering. */
  readonly occupants: ReadonlyMap<string, Occupant>;
  /** Nicknames by the full real address of each session. */
  readonly nicks: ReadonlyMap<string, string>;
  readonly subject: PastMessage | null;
  /** Oldest first. */
  readonly history: readonly PastMessage[];
  /** Its owner has not said yet what it is to be (XEP-0045 10.1.1): nobody else may enter. */
  readonly isLocked: boolean;
}

/** What an event brings with it: time, a fresh id, and what the service allows. */
export interface StepContext {
  readonly atMs: number;
  readonly id: string;
  readonly limits: RoomLimits;
  /** Everybody is told that the room is logged. */
  readonly isLogged: boolean;
}

export interface RoomLimits extends ConfigLimits {
  /** Characters of all that is kept of the past. */
  readonly historySize: number;
  readonly affiliations: number;
}

/** A stanza that has both of its addresses. */
export type RoomStanza<S extends Stanza = Stanza> = S & { readonly from: Jid; readonly to: Jid };

/** What an event leads to: the room after it (undefined: it is no more), and what is sent, in this order. */
export interface Step {
  readonly state: RoomState | undefined;
  readonly sends: readonly XmlElement[];
}

export function createRoom(jid: Jid, owner: Jid, config: RoomConfig): RoomState {
  const first: Affiliated = { jid: owner, affiliation: 'owner', reason: '' };
  return {
    jid,
    config,
    affiliations: new Map([[owner.bare, first]]),
    occupants: new Map(),
    nicks: new Map(),
    subject: null,
    history: [],
    isLocked: true,
  };
}

export function affiliationOf(state: RoomState, jid: Jid): Affiliation {
  return state.affiliations.get(jid.bare)?.affiliation ?? 'none';
}

/** The occupant that a full real address is. */
export function occupantBy(state: RoomState, jid: Jid): Occupant | undefined {
  const nick = state.nicks.get(jid.full);
  return nick === undefined ? undefined : state.occupants.get(nick);
}

/** The occupant of a user, whichever resource asks. */
export function occupantOfUser(state: RoomState, jid: Jid): Occupant | undefined {
  for (const occupant of state.occupants.values()) if (occupant.user.bare === jid.bare) return occupant;
  return undefined;
}

/** Puts an occupant in, in its place when the nickname is there already. */
export function withOccupant(state: RoomState, occupant: Occupant): RoomState {
  const nicks = new Map(state.nicks);
  for (const { jid } of state.occupants.get(occupant.nick)?.sessions ?? []) nicks.delete(jid.full);
  for (const { jid } of occupant.sessions) nicks.set(jid.full, occupant.nick);
  return { ...state, occupants: new Map(state.occupants).set(occupant.nick, occupant), nicks };
}

export function withoutOccupants(state: RoomState, gone: Iterable<Occupant>): RoomState {
  const [occupants, nicks] = [new Map(state.occupants), new Map(state.nicks)];
  for (const { nick, sessions } of gone) {
    occupants.delete(nick);
    for (const { jid } of sessions) nicks.delete(jid.full);
  }
  return { ...state, occupants, nicks };
}

export function withAffiliation(state: RoomState, jid: Jid, affiliation: Affiliation, reason: string): RoomState {
  const affiliations = new Map(state.affiliations);
  if (affiliation === 'none') affiliations.delete(jid.bare);
  else affiliations.set(jid.bare, { jid, affiliation, reason });
  return { ...state, affiliations };
}

/** The room after the event; an ad-hoc room dies with its last occupant. */
export function settled(state: RoomState, sends: readonly XmlElement[]): Step {
  return { state: state.occupants.size > 0 || state.config.isPersistent ? state : undefined, sends };
}

export function occupantJid(state: RoomState, nick: string): Jid {
  return jidOf(state.jid.local, state.jid.domain, nick);
}
