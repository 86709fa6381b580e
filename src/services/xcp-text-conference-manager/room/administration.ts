import { attribute, elements, type XmlElement } from '../../../xml/element.ts';
import {
  childText,
  el,
  type Iq,
  iqResult,
  type Jid,
  NS,
  type StanzaCondition,
  StanzaError,
  tryParseJid,
} from '../../../xmpp/xmpp.ts';
import { judgeAffiliationChange, judgeRoleChange } from './changes.ts';
import { occupantAt } from './messages.ts';
import { bareOf, lastOf, tell } from './occupant-presence.ts';
import {
  AFFILIATIONS,
  type Affiliation,
  type AffiliationPrivilege,
  affiliationMay,
  ROLES,
  type Role,
  roleAfter,
} from './privileges.ts';
import {
  affiliationOf,
  type Occupant,
  occupantBy,
  type RoomStanza,
  type RoomState,
  type Step,
  type StepContext,
  settled,
  withAffiliation,
  withOccupant,
  withoutOccupants,
} from './room-state.ts';

/** One change that is asked for: of a role by nickname, or of an affiliation by address or nickname. */
export interface AdminItem {
  readonly nick?: string;
  readonly jid?: Jid;
  readonly role?: Role;
  readonly affiliation?: Affiliation;
  readonly reason?: string;
}

/** `muc#admin` (XEP-0045 8, 9, 10): lists, and changes of them. */
export function administer(state: RoomState, request: RoomStanza<Iq>, payload: XmlElement, context: StepContext): Step {
  const sources = elements(payload, 'item', NS.mucAdmin);
  if (request.type === 'get') {
    const [only] = sources;
    if (only === undefined || sources.length > 1) throw new StanzaError('bad-request', 'one list is asked for');
    const items = listed(state, request.from, readItem(only));
    return { state, sends: [iqResult(request, el(NS.mucAdmin, 'query', {}, ...items))] };
  }
  if (sources.length === 0) throw new StanzaError('bad-request', 'there is nothing to change');
  const done = applyItems(state, request.from, sources.map(readItem), context);
  return { state: done.state, sends: [iqResult(request), ...done.sends] };
}

function readItem(source: XmlElement): AdminItem {
  const [role, affiliation] = [attribute(source, 'role'), attribute(source, 'affiliation')];
  const knownRole = ROLES.find((each) => each === role);
  const knownAffiliation = AFFILIATIONS.find((each) => each === affiliation);
  if (
    (role !== undefined) === (affiliation !== undefined) ||
    (knownRole === undefined && knownAffiliation === undefined)
  ) {
    throw new StanzaError('bad-request', 'an item names a role or an affiliation');
  }
  const address = attribute(source, 'jid');
  const jid = address === undefined ? undefined : tryParseJid(address);
  if (address !== undefined && jid === undefined) throw new StanzaError('jid-malformed', 'an item has no good address');
  const nick = attribute(source, 'nick');
  const reason = childText(source, 'reason');
  return {
    ...(nick === undefined ? {} : { nick }),
    ...(jid === undefined ? {} : { jid: bareOf(jid) }),
    ...(knownRole === undefined ? {} : { role: knownRole }),
    ...(knownAffiliation === undefined ? {} : { affiliation: knownAffiliation }),
    ...(reason === undefined ? {} : { reason }),
  };
}

const LIST_PRIVILEGE: Readonly<Record<Affiliation, AffiliationPrivilege>> = {
  outcast: 'ban',
  none: 'edit owner list',
  member: 'retrieve member list',
  admin: 'edit admin list',
  owner: 'edit owner list',
};

function listed(state: RoomState, from: Jid, { role, affiliation }: AdminItem): XmlElement[] {
  if (affiliation !== undefined) {
    if (!affiliationMay(affiliationOf(state, from), LIST_PRIVILEGE[affiliation])) {
      throw new StanzaError('forbidden', 'the list is not for you');
    }
    return [...state.affiliations.values()]
      .filter((each) => each.affiliation === affiliation)
      .map(({ jid, reason }) =>
        el(
          NS.mucAdmin,
          'item',
          { affiliation, jid: jid.bare },
          ...(reason === '' ? [] : [el(NS.mucAdmin, 'reason', {}, reason)]),
        ),
      );
  }
  if (occupantBy(state, from)?.role !== 'moderator') throw new StanzaError('forbidden', 'the list is for moderators');
  return [...state.occupants.values()]
    .filter((each) => each.role === role)
    .map((each) =>
      el(NS.mucAdmin, 'item', {
        affiliation: affiliationOf(state, each.user),
        ...{ role: each.role, nick: each.nick, jid: lastOf(each).jid.full },
      }),
    );
}

/** Makes the changes, all of them or none. @throws StanzaError as XEP-0045 8 to 10 say */
export function applyItems(state: RoomState, from: Jid, items: readonly AdminItem[], context: StepContext): Step {
  let next = state;
  const sends: XmlElement[] = [];
  for (const item of items) {
    const step = item.role === undefined ? changeAffiliation(next, from, item, context) : changeRole(next, from, item);
    next = step.state;
    sends.push(...step.sends);
  }
  return settled(next, sends);
}

interface Changed {
  readonly state: RoomState;
  readonly sends: readonly XmlElement[];
}

function changeRole(state: RoomState, from: Jid, { nick, role = 'none', reason }: AdminItem): Changed {
  if (nick === undefined) throw new StanzaError('bad-request', 'a role is that of a nickname');
  const target = occupantAt(state, nick);
  const actor = occupantBy(state, from);
  const refused = judgeRoleChange(
    { affiliation: affiliationOf(state, from), role: actor?.role ?? 'none' },
    { affiliation: affiliationOf(state, target.user), role: target.role },
    role,
  );
  refuse(refused);
  const actorNick = actor?.nick ?? null;
  if (role === 'none') return putOut(state, [target], { statuses: [307], reason, actor: actorNick });
  return withRole(state, target, role, reason, actorNick);
}

function changeAffiliation(state: RoomState, from: Jid, item: AdminItem, context: StepContext): Changed {
  const { affiliation = 'none', reason } = item;
  const jid = item.jid ?? (item.nick === undefined ? undefined : occupantAt(state, item.nick).user);
  if (jid === undefined) throw new StanzaError('bad-request', 'an affiliation is that of an address');
  const before = affiliationOf(state, jid);
  const owners = [...state.affiliations.values()].filter((each) => each.affiliation === 'owner');
  refuse(
    judgeAffiliationChange(affiliationOf(state, from), before, affiliation, {
      isSelf: from.bare === jid.bare,
      isLastOwner: before === 'owner' && owners.length === 1,
    }),
  );
  if (before === 'none' && affiliation !== 'none' && state.affiliations.size >= context.limits.affiliations) {
    throw new StanzaError('not-acceptable', 'the lists of the room are full');
  }
  const next = withAffiliation(state, jid, affiliation, reason ?? '');
  const actor = occupantBy(state, from)?.nick ?? null;
  const present = [...next.occupants.values()].filter(({ user }) => user.bare === jid.bare);
  if (affiliation === 'outcast') return putOut(next, present, { statuses: [301], reason, actor });
  // XEP-0045 9.4: who is a member no more may not stay where only members are.
  if (next.config.isMembersOnly && affiliation === 'none') {
    return putOut(next, present, { statuses: [321], reason, actor });
  }
  return present.reduce<Changed>(
    (done, occupant) => {
      const role = roleAfter(occupant.role, before, affiliation, next.config.isModerated);
      const step = withRole(done.state, occupant, role, reason, actor);
      return { state: step.state, sends: [...done.sends, ...step.sends] };
    },
    { state: next, sends: [] },
  );
}

function withRole(
  state: RoomState,
  target: Occupant,
  role: Role,
  reason: string | undefined,
  actor: string | null,
): Changed {
  if (role === 'none') return putOut(state, [target], { statuses: [307], reason, actor });
  const changed = { ...target, role };
  const next = withOccupant(state, changed);
  return { state: next, sends: tell(next, changed, next.occupants.values(), { reason, actor }) };
}

/** Puts occupants out, and says why (XEP-0045 8.2, 9.1, 9.4, 10.2.1). */
export function putOut(
  state: RoomState,
  gone: readonly Occupant[],
  why: { readonly statuses: readonly number[]; readonly reason?: string | undefined; readonly actor?: string | null },
): Changed {
  // Who goes hears of itself; of each other, those who go together hear as long as they are there.
  let next = state;
  const sends: XmlElement[] = [];
  for (const occupant of gone) {
    sends.push(...tell(next, occupant, next.occupants.values(), { ...why, type: 'unavailable' }));
    next = withoutOccupants(next, [occupant]);
  }
  return { state: next, sends };
}

function refuse(condition: StanzaCondition | undefined): void {
  if (condition !== undefined) throw new StanzaError(condition, WHY[condition] ?? 'that is not possible');
}

const WHY: Partial<Record<StanzaCondition, string>> = {
  forbidden: 'you may not do that in this room',
  'not-allowed': 'that may not be done to this person',
  conflict: 'a room keeps its last owner, and nobody bans himself',
};
