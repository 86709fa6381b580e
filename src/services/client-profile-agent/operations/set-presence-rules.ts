import { SUCCESS } from '../answers.ts';
import { sessionOperation } from '../operation.ts';
import { checkPresenceRules, readPresenceRules, toRow } from '../presence-rules.ts';

/** Replaces the caller's presence rules. Source: documented as a function; name and form are ours. */
export const setPresenceRules = sessionOperation({
  name: 'set-presence-rules',
  session: 'enduser',
  read: readPresenceRules,
  async run({ ids }, rules, session) {
    checkPresenceRules(rules);
    const fkenduser = session.userPkid;
    await ids.transaction('client', async (trx) => {
      const kept = rules.map(({ id }) => id);
      let gone = trx.deleteFrom('presencerule').where('fkenduser', '=', fkenduser);
      if (kept.length > 0) gone = gone.where('ruleid', 'not in', kept);
      await gone.execute();
      // Row by row and in place, so that a rule that stays as it was is no change for those who watch.
      for (const [position, rule] of rules.entries()) {
        const { fkenduser: _user, ruleid: _id, ...values } = toRow(fkenduser, rule, position);
        await trx
          .insertInto('presencerule')
          .values(toRow(fkenduser, rule, position))
          .onConflict((conflict) => conflict.columns(['fkenduser', 'ruleid']).doUpdateSet(values))
          .execute();
      }
    });
    return SUCCESS;
  },
});
