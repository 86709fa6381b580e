import type { Transaction } from 'kysely';
import type { Database } from '../../../ids/database.ts';
import { Refusal } from '../errors.ts';
import type { NamedValue } from '../read-request.ts';
import { contactKey } from './names-of-contacts.ts';

/** Most contacts that a user keeps details of. */
const MAX_CONTACTS = 1_000;

/** Writes details of contacts; a property with empty text is deleted. @throws Refusal `tooManyEntries` */
export async function saveContactInfo(
  trx: Transaction<Database>,
  fkenduser: string,
  contacts: readonly { readonly user: string; readonly domain: string; readonly properties: readonly NamedValue[] }[],
): Promise<void> {
  const rows = await trx
    .selectFrom('contactinfo')
    .select(['contactuser', 'contactdomain'])
    .distinct()
    .where('fkenduser', '=', fkenduser)
    .execute();
  // A contact known in another case keeps the case it has.
  const spelled = new Map(rows.map((row) => [contactKey(row.contactuser, row.contactdomain), row.contactuser]));
  for (const { user, domain, properties } of contacts) {
    const key = contactKey(user, domain);
    const contactuser = spelled.get(key) ?? user;
    for (const { name, value } of properties) {
      if (value === '') {
        await trx
          .deleteFrom('contactinfo')
          .where('fkenduser', '=', fkenduser)
          .where('contactuser', '=', contactuser)
          .where('contactdomain', '=', domain)
          .where('name', '=', name)
          .execute();
        continue;
      }
      spelled.set(key, contactuser);
      await trx
        .insertInto('contactinfo')
        .values({ fkenduser, contactuser, contactdomain: domain, name, value })
        .onConflict((conflict) =>
          conflict.columns(['fkenduser', 'contactuser', 'contactdomain', 'name']).doUpdateSet({ value }),
        )
        .execute();
    }
  }
  if (spelled.size > MAX_CONTACTS) throw new Refusal('tooManyEntries');
}
