import type { XmlElement } from '../../../xml/element.ts';
import { el, type Jid, jidOf, NS, presence } from '../../../xmpp/xmpp.ts';
import type { Affiliation, Role } from './privileges.ts';
import { affiliationOf, type Occupant, type OccupantSession, type RoomState } from './room-state.ts';

/** What the room adds to an occupant's presence (XEP-0045 7.2.2 and the examples of sections 7 to 10). */
export interface PresenceDetail {
  readonly type?: 'available' | 'unavailable';
  /** Codes that everybody sees. */
  readonly statuses?: readonly number[];
  /** Codes that only the occupant itself sees, beside 110. */
  readonly ownStatuses?: readonly number[];
  readonly role?: Role;
  readonly affiliation?: Affiliation;
  /** The nickname to come, of one who changes it. */
  readonly nick?: string;
  readonly reason?: string | undefined;
  /** Nickname of the one who did it; null when no occupant did. */
  readonly actor?: string | null;
  readonly destroy?: XmlElement;
  /** What the occupant says of itself; absent: what it last said. */
  readonly said?: readonly (XmlElement | string)[];
}

/** The presence of one occupant, as one session sees it. */
export function presenceFor(
  state: RoomState,
  occupant: Occupant,
  viewer: Occupant,
  to: Jid,
  detail: PresenceDetail = {},
): XmlElement {
  const { type = 'available' } = detail;
  const isOwn = viewer.user.bare === occupant.user.bare && occupant.sessions.some(({ jid }) => jid.full === to.full);
  const session = lastOf(occupant);
  const showsAddress = state.config.whois === 'anyone' || viewer.role === 'moderator';
  const codes = [...(isOwn ? [110, ...(detail.ownStatuses ?? [])] : []), ...(detail.statuses ?? [])];
  const item = el(
    NS.mucUser,
    'item',
    {
      affiliation: detail.affiliation ?? affiliationOf(state, occupant.user),
      role: detail.role ?? (type === 'unavailable' ? 'none' : occupant.role),
      jid: showsAddress ? session.jid.full : undefined,
      nick: detail.nick,
    },
    ...(detail.actor ? [el(NS.mucUser, 'actor', { nick: detail.actor })] : []),
    ...(detail.reason ? [el(NS.mucUser, 'reason', {}, detail.reason)] : []),
  );
  const x = el(
    NS.mucUser,
    'x',
    {},
    item,
    ...(detail.destroy === undefined ? [] : [detail.destroy]),
    ...codes.map((code) => el(NS.mucUser, 'status', { code })),
  );
  const said = detail.said ?? (type === 'unavailable' ? [] : session.said);
  const bare = presence({ from: occupant.jid, to, type });
  return { ...bare, children: [...said, x] };
}

/** Tells every session of the viewers of one occupant. */
export function tell(
  state: RoomState,
  occupant: Occupant,
  viewers: Iterable<Occupant>,
  detail: PresenceDetail = {},
): XmlElement[] {
  const sends: XmlElement[] = [];
  for (const viewer of viewers) {
    for (const { jid } of viewer.sessions) sends.push(presenceFor(state, occupant, viewer, jid, detail));
  }
  return sends;
}

export function lastOf(occupant: Occupant): OccupantSession {
  const last = occupant.sessions.at(-1);
  if (last === undefined) throw new Error(`${occupant.nick} has no session`);
  return last;
}

/** What of a client's presence or message is passed on: all but what only a room may say. */
export function passedOn(source: XmlElement, room: Jid): readonly (XmlElement | string)[] {
  return source.children.filter(
    (child) =>
      typeof child === 'string' ||
      !(
        (child.local === 'x' && (child.uri === NS.mucUser || child.uri === NS.muc)) ||
        (child.uri === NS.delay && child.attributes.some(({ local, value }) => local === 'from' && value === room.full))
      ),
  );
}

/** Codes that who enters sees of the room itself (XEP-0045 7.2.2, 7.2.3, 7.2.12). */
export function roomStatuses(state: RoomState, isLogged: boolean): number[] {
  return [...(state.config.whois === 'anyone' ? [100] : []), ...(isLogged ? [170] : [])];
}

export function bareOf(jid: Jid): Jid {
  return jidOf(jid.local, jid.domain);
}
