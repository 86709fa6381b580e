import { join, textElement } from '../../../xml/write.ts';
import { sessionOperation } from '../operation.ts';
import { readEmpty } from '../read-request.ts';

/** The caller's access control list: watchers whom the privacy policy does not decide about. Source: inferred; form ours. */
export const getAcl = sessionOperation({
  name: 'get-acl',
  session: 'enduser',
  read: readEmpty,
  async run({ ids }, _request, session) {
    const rows = await ids.read
      .selectFrom('peuriacl')
      .select(['watcher', 'type', 'policy'])
      .where('fkenduser', '=', session.userPkid)
      .orderBy('type')
      .orderBy('watcher')
      .execute();
    return join(rows.map(({ watcher, type, policy }) => textElement('e:acl-entry', watcher, { policy, type })));
  },
});
