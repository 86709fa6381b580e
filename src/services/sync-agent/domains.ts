import type { Transaction } from 'kysely';
import type { Database } from '../../ids/database.ts';
import type { MergeScope } from '../../ids/staging.ts';
import { directoryUriDomain } from './mapping.ts';

const PAGE = 1_000;

/**
 * Collects the domains of the users' directory URIs. A domain that is in use is managed by the system; one that no user
 * has any more goes back to the administrators, who may remove it.
 */
export async function collectDomains(
  trx: Transaction<Database>,
  scope: MergeScope | undefined,
  pause: () => Promise<void>,
): Promise<void> {
  if (scope === undefined) return;
  const found = new Set<string>();
  for await (const uris of directoryUris(trx, scope)) {
    for (const uri of uris) {
      const domain = directoryUriDomain(uri);
      if (domain !== null) found.add(domain);
    }
    await pause();
  }
  for (const domain of found) {
    await trx
      .insertInto('imdomain')
      .values({ domain, isdefault: 0, isadminmanaged: 0 })
      .onConflict((conflict) => conflict.column('domain').doUpdateSet({ isadminmanaged: 0 }))
      .execute();
  }
  if (scope.kind !== 'all') return;
  const managed = await trx.selectFrom('imdomain').where('isadminmanaged', '=', 0).select('domain').execute();
  for (const { domain } of managed) {
    if (found.has(domain)) continue;
    await trx.updateTable('imdomain').set({ isadminmanaged: 1 }).where('domain', '=', domain).execute();
  }
}

async function* directoryUris(trx: Transaction<Database>, scope: MergeScope): AsyncGenerator<readonly string[]> {
  const query = trx
    .selectFrom('enduser')
    .where('deletedat', 'is', null)
    .where('peerclusterid', 'is', null)
    .where('directoryuri', '<>', '')
    .select(['pkid', 'directoryuri']);
  if (scope.kind === 'keys') {
    for (let from = 0; from < scope.keys.length; from += PAGE) {
      const rows = await query.where('pkid', 'in', scope.keys.slice(from, from + PAGE)).execute();
      yield rows.map((row) => row.directoryuri);
    }
    return;
  }
  for (let after = ''; ; ) {
    const rows = await query.where('pkid', '>', after).orderBy('pkid').limit(PAGE).execute();
    yield rows.map((row) => row.directoryuri);
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.pkid;
  }
}
