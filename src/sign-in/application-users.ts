import type { Kysely } from 'kysely';
import type { Database } from '../ids/database.ts';

/** The group without which an application user may not sign in. */
export const THIRD_PARTY_GROUP = 'Admin-3rd Party API';

export interface ApplicationUser {
  readonly pkid: string;
  readonly name: string;
  /** In the group that lets application users sign in. */
  readonly isThirdParty: boolean;
}

/** By name, in any case. */
export async function findApplicationUser(db: Kysely<Database>, name: string): Promise<ApplicationUser | undefined> {
  const user = await db
    .selectFrom('applicationuser')
    .select(['pkid', 'name'])
    .where((eb) => eb(eb.fn<string>('lower', ['name']), '=', name.toLowerCase()))
    .where('deletedat', 'is', null)
    .executeTakeFirst();
  return user && { ...user, isThirdParty: await isThirdParty(db, user.pkid) };
}

export async function isThirdParty(db: Kysely<Database>, userPkid: string): Promise<boolean> {
  const found = await db
    .selectFrom('applicationuserdirgroupmap as membership')
    .innerJoin('dirgroup', 'dirgroup.pkid', 'membership.fkdirgroup')
    .select('dirgroup.pkid')
    .where('membership.fkapplicationuser', '=', userPkid)
    .where('dirgroup.name', '=', THIRD_PARTY_GROUP)
    .where('dirgroup.deletedat', 'is', null)
    .executeTakeFirst();
  return found !== undefined;
}
