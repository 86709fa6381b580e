import type { Kysely } from 'kysely';
import type { Database } from '../../../ids/database.ts';
import type { Resource } from './subscription.ts';

/** Who stands on a user's contact list to be watched, by address. @param owner key of the user in the IDS */
export async function readContactList(
  db: Kysely<Database>,
  owner: string,
  most: number,
): Promise<ReadonlyMap<string, Resource>> {
  const rows = await db
    .selectFrom('rosteritem')
    .select(['contactuser', 'contactdomain', 'nickname'])
    .where('fkenduser', '=', owner)
    .where('presenceaware', '=', 1)
    .orderBy('contactuser')
    .orderBy('contactdomain')
    .limit(most)
    .execute();
  return new Map(
    rows.map(({ contactuser, contactdomain, nickname }) => {
      const address = `${contactuser}@${contactdomain}`.toLowerCase();
      return [address, { uri: `sip:${address}`, name: nickname }];
    }),
  );
}

/** Whether a user has somebody on the contact list. */
export async function isContactOf(db: Kysely<Database>, owner: string, address: string): Promise<boolean> {
  const at = address.lastIndexOf('@');
  const row = await db
    .selectFrom('rosteritem')
    .select('pkid')
    .where('fkenduser', '=', owner)
    .where((eb) => eb(eb.fn<string>('lower', ['contactuser']), '=', address.slice(0, at)))
    .where((eb) => eb(eb.fn<string>('lower', ['contactdomain']), '=', address.slice(at + 1)))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
