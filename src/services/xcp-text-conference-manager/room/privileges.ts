/** Who may do what in a room: the tables of XEP-0045 5, as functions. */

export type Role = 'moderator' | 'participant' | 'visitor' | 'none';
export type Affiliation = 'owner' | 'admin' | 'member' | 'none' | 'outcast';

export const ROLES = ['none', 'visitor', 'participant', 'moderator'] as const satisfies readonly Role[];
export const AFFILIATIONS = ['outcast', 'none', 'member', 'admin', 'owner'] as const satisfies readonly Affiliation[];

/** What of a room's configuration its privileges depend on. */
export interface PrivilegeRules {
  readonly privateMessages: 'anyone' | 'participants' | 'moderators' | 'none';
  /** Participants may change the subject. */
  readonly isSubjectOpen: boolean;
  /** Occupants who are neither admin nor owner may invite. */
  readonly canInvite: boolean;
}

/** XEP-0045 5.1.1, the rows that a room decides by. */
export type RolePrivilege =
  | 'be present'
  | 'receive'
  | 'change nickname'
  | 'send private messages'
  | 'invite'
  | 'speak'
  | 'change subject'
  | 'kick'
  | 'grant voice'
  | 'revoke voice';

/** The least role that has the privilege; undefined when nobody has. */
function leastRole(privilege: RolePrivilege, rules: PrivilegeRules): Role | undefined {
  switch (privilege) {
    case 'be present':
    case 'receive':
    case 'change nickname':
      return 'visitor';
    case 'send private messages':
      return {
        anyone: 'visitor',
        participants: 'participant',
        moderators: 'moderator',
        none: undefined,
      }[rules.privateMessages] as Role | undefined;
    case 'invite':
      return rules.canInvite ? 'visitor' : 'moderator';
    case 'speak':
      return 'participant';
    case 'change subject':
      return rules.isSubjectOpen ? 'participant' : 'moderator';
    case 'kick':
    case 'grant voice':
    case 'revoke voice':
      return 'moderator';
  }
}

export function roleMay(role: Role, privilege: RolePrivilege, rules: PrivilegeRules): boolean {
  const least = leastRole(privilege, rules);
  return least !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(least);
}

/** XEP-0045 5.2.1. */
export type AffiliationPrivilege =
  | 'enter open room'
  | 'retrieve member list'
  | 'enter members-only room'
  | 'ban'
  | 'edit member list'
  | 'appoint moderators'
  | 'edit admin list'
  | 'edit owner list'
  | 'configure'
  | 'destroy';

const LEAST_AFFILIATION: Readonly<Record<AffiliationPrivilege, Affiliation>> = {
  'enter open room': 'none',
  'retrieve member list': 'member',
  'enter members-only room': 'member',
  ban: 'admin',
  'edit member list': 'admin',
  'appoint moderators': 'admin',
  'edit admin list': 'owner',
  'edit owner list': 'owner',
  configure: 'owner',
  destroy: 'owner',
};

export function affiliationMay(affiliation: Affiliation, privilege: AffiliationPrivilege): boolean {
  return isAtLeast(affiliation, LEAST_AFFILIATION[privilege]);
}

export function isAtLeast(affiliation: Affiliation, least: Affiliation): boolean {
  return AFFILIATIONS.indexOf(affiliation) >= AFFILIATIONS.indexOf(least);
}

/** The role with which somebody enters (XEP-0045 5.1.2). */
export function initialRole(affiliation: Affiliation, isModerated: boolean): Role {
  if (affiliation === 'outcast') return 'none';
  if (isAtLeast(affiliation, 'admin')) return 'moderator';
  return affiliation === 'member' || !isModerated ? 'participant' : 'visitor';
}

/** The role of an occupant whose affiliation is another now (XEP-0045 5.2.2). */
export function roleAfter(role: Role, before: Affiliation, after: Affiliation, isModerated: boolean): Role {
  const initial = initialRole(after, isModerated);
  if (after === 'outcast' || initial === 'moderator' || isAtLeast(before, 'admin')) return initial;
  return after === 'member' && role === 'visitor' ? 'participant' : role;
}
