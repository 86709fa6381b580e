import type { StanzaCondition } from '../../../xmpp/xmpp.ts';
import { type Affiliation, affiliationMay, isAtLeast, type Role } from './privileges.ts';

/** Who asks for a change, and whom it is about. */
export interface Standing {
  readonly affiliation: Affiliation;
  readonly role: Role;
}

/**
 * Whether an occupant's role may be made another (XEP-0045 8.2 to 8.4, 9.6, 9.7); undefined when it may, else the
 * condition of the refusal.
 */
export function judgeRoleChange(actor: Standing, target: Standing, role: Role): StanzaCondition | undefined {
  if (actor.role !== 'moderator') return 'forbidden';
  // To make somebody a moderator, or no moderator any more, is for admins and owners.
  const isAboutModerators = role === 'moderator' || (target.role === 'moderator' && role !== 'none');
  if (isAboutModerators && !affiliationMay(actor.affiliation, 'appoint moderators')) return 'forbidden';
  // Nobody touches those who stand higher, and admins and owners keep their voice as long as they are that.
  if (!isAtLeast(actor.affiliation, target.affiliation)) return 'not-allowed';
  if (role !== 'none' && role !== 'moderator' && isAtLeast(target.affiliation, 'admin')) return 'not-allowed';
  // A moderator by role alone does not put out another.
  if (role === 'none' && target.role === 'moderator' && !isAtLeast(actor.affiliation, 'admin')) return 'not-allowed';
  return undefined;
}

/**
 * Whether somebody's affiliation may be made another (XEP-0045 9, 10); undefined when it may.
 * @param about whether it is the actor's own, and whether the target is the only owner
 */
export function judgeAffiliationChange(
  actor: Affiliation,
  target: Affiliation,
  wanted: Affiliation,
  about: { readonly isSelf: boolean; readonly isLastOwner: boolean },
): StanzaCondition | undefined {
  if (!affiliationMay(actor, 'ban')) return 'forbidden';
  if (actor === 'admin') {
    // Owners alone edit the lists of admins and owners; to ban one of them is not for an admin (XEP-0045 9.1).
    if (isAtLeast(wanted, 'admin')) return 'forbidden';
    if (isAtLeast(target, 'admin') && !(about.isSelf && wanted !== 'outcast')) return 'not-allowed';
  }
  // XEP-0045 9.1: nobody bans himself; 10.4: a room is never without an owner.
  if (about.isSelf && wanted === 'outcast') return 'conflict';
  if (about.isLastOwner && wanted !== 'owner') return 'conflict';
  return undefined;
}
