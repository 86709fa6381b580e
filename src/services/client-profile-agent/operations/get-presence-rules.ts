import { element } from '../../../xml/write.ts';
import { RULES_NAMESPACE } from '../names.ts';
import { sessionOperation } from '../operation.ts';
import { writeRule } from '../presence-rules.ts';
import { readEmpty } from '../read-request.ts';

/** The caller's presence rules in their order. Source: documented as a function; name and form are ours. */
export const getPresenceRules = sessionOperation({
  name: 'get-presence-rules',
  session: 'enduser',
  read: readEmpty,
  async run({ ids }, _request, session) {
    const rows = await ids.read
      .selectFrom('presencerule')
      .selectAll()
      .where('fkenduser', '=', session.userPkid)
      .orderBy('position')
      .execute();
    return element('r:presence-rules', { 'xmlns:r': RULES_NAMESPACE }, ...rows.map(writeRule));
  },
});
