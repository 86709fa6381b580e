import type { Kysely } from 'kysely';
import type { Database } from '../../ids/database.ts';
import { RccError } from './errors.ts';
import { END_USER_GROUP, RCC_GROUP } from './names.ts';

/** An end user of this cluster, as far as remote call control cares. */
export interface RccUser {
  readonly pkid: string;
  readonly userid: string;
  /** Directory number of the primary extension, '' when there is none. */
  readonly primaryExtension: string;
}

const COLUMNS = ['pkid', 'userid', 'primaryextension', 'status', 'peerclusterid'] as const;

/** The user of an instant messaging address, in any case. @throws RccError `rcc.unknown-user` */
export async function userOfAddress(db: Kysely<Database>, address: string): Promise<RccUser> {
  const row = await db
    .selectFrom('enduser')
    .where(({ eb, fn }) => eb(fn('lower', ['imaddress']), '=', address.toLowerCase()))
    .where('deletedat', 'is', null)
    .where('peerclusterid', 'is', null)
    .select(COLUMNS)
    .executeTakeFirst();
  return found(row);
}

/** @param userid in any case @throws RccError `rcc.unknown-user` */
export async function userOfId(db: Kysely<Database>, userid: string): Promise<RccUser> {
  const row = await db
    .selectFrom('enduser')
    .where(({ eb, fn }) => eb(fn('lower', ['userid']), '=', userid.toLowerCase()))
    .where('deletedat', 'is', null)
    .where('peerclusterid', 'is', null)
    .select(COLUMNS)
    .executeTakeFirst();
  return found(row);
}

/** @throws RccError `rcc.unknown-user` */
export async function userOfPkid(db: Kysely<Database>, pkid: string): Promise<RccUser> {
  const row = await db
    .selectFrom('enduser')
    .where('pkid', '=', pkid)
    .where('deletedat', 'is', null)
    .select(COLUMNS)
    .executeTakeFirst();
  return found(row);
}

function found(row: { pkid: string; userid: string; primaryextension: string; status: number } | undefined): RccUser {
  if (row?.status !== 1) throw new RccError('rcc.unknown-user', 'there is no such user');
  return { pkid: row.pkid, userid: row.userid, primaryExtension: row.primaryextension };
}

/** Whether the user may have their phone driven. @throws RccError `rcc.not-licensed`, `rcc.not-authorized` */
export async function requireAssigned(db: Kysely<Database>, user: RccUser): Promise<void> {
  const rows = await db
    .selectFrom('enduserdirgroupmap as map')
    .innerJoin('dirgroup', 'dirgroup.pkid', 'map.fkdirgroup')
    .where('map.fkenduser', '=', user.pkid)
    .where('dirgroup.name', 'in', [END_USER_GROUP, RCC_GROUP])
    .where('dirgroup.deletedat', 'is', null)
    .select('dirgroup.name')
    .execute();
  const groups = new Set(rows.map(({ name }) => name));
  if (!groups.has(RCC_GROUP)) {
    throw new RccError('rcc.not-licensed', `${user.userid} is not assigned remote call control: not in ${RCC_GROUP}`);
  }
  if (!groups.has(END_USER_GROUP)) {
    throw new RccError('rcc.not-authorized', `${user.userid} is not in the group ${END_USER_GROUP}`);
  }
}
