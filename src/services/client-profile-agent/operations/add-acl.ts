import { type AclWatcher, checkWatcher, readWatcher } from '../acl.ts';
import { SUCCESS } from '../answers.ts';
import { Refusal } from '../errors.ts';
import { sessionOperation } from '../operation.ts';
import { childrenOf, oneOf, requiredAttribute, token } from '../read-request.ts';

const MAX_ENTRIES = 1_000;

interface Entry extends AclWatcher {
  readonly policy: 'allow' | 'deny';
}

/** Adds entries or replaces those of the same watcher, all or none. Source: documented; the form is ours. */
export const addAcl = sessionOperation<readonly Entry[]>({
  name: 'add-acl',
  session: 'enduser',
  read: (payload) =>
    childrenOf(payload, ['acl-entry']).map((entry) => ({
      ...readWatcher(entry),
      policy: oneOf(token(requiredAttribute(entry, 'policy')), ['allow', 'deny'], 'policy'),
    })),
  async run({ ids }, entries, session) {
    for (const entry of entries) checkWatcher(entry);
    const fkenduser = session.userPkid;
    await ids.transaction('client', async (trx) => {
      for (const { watcher, type, policy } of entries) {
        await trx
          .insertInto('peuriacl')
          .values({ fkenduser, watcher, type, policy })
          .onConflict((conflict) => conflict.columns(['fkenduser', 'type', 'watcher']).doUpdateSet({ policy }))
          .execute();
      }
      const rows = await trx.selectFrom('peuriacl').select('watcher').where('fkenduser', '=', fkenduser).execute();
      if (rows.length > MAX_ENTRIES) throw new Refusal('tooManyEntries');
    });
    return SUCCESS;
  },
});
