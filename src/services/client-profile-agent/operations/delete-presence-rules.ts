import { SUCCESS } from '../answers.ts';
import { sessionOperation } from '../operation.ts';
import { childrenOf, tokenText } from '../read-request.ts';

/** Removes the rules named, or all when none is; what is absent is no error. Source: documented; form ours. */
export const deletePresenceRules = sessionOperation({
  name: 'delete-presence-rules',
  session: 'enduser',
  read: (payload) => childrenOf(payload, ['rule-id']).map(tokenText),
  async run({ ids }, ruleIds, session) {
    await ids.transaction('client', async (trx) => {
      const all = trx.deleteFrom('presencerule').where('fkenduser', '=', session.userPkid);
      await (ruleIds.length === 0 ? all : all.where('ruleid', 'in', ruleIds)).execute();
    });
    return SUCCESS;
  },
});
