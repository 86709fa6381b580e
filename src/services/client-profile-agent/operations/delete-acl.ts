import { readWatcher } from '../acl.ts';
import { SUCCESS } from '../answers.ts';
import { sessionOperation } from '../operation.ts';
import { childrenOf } from '../read-request.ts';

/** Removes entries; what is absent is no error. Source: inferred; the form is ours. */
export const deleteAcl = sessionOperation({
  name: 'delete-acl',
  session: 'enduser',
  read: (payload) => childrenOf(payload, ['acl-entry']).map(readWatcher),
  async run({ ids }, entries, session) {
    await ids.transaction('client', async (trx) => {
      for (const { watcher, type } of entries) {
        await trx
          .deleteFrom('peuriacl')
          .where('fkenduser', '=', session.userPkid)
          .where('type', '=', type)
          .where('watcher', '=', watcher)
          .execute();
      }
    });
    return SUCCESS;
  },
});
