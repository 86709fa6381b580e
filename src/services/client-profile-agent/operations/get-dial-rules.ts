import { element, join } from '../../../xml/write.ts';
import { sessionOperation } from '../operation.ts';
import { readEmpty } from '../read-request.ts';

/** Application dial rules and directory look-up rules by priority. Source: documented as a function; the form is ours. */
export const getDialRules = sessionOperation({
  name: 'get-dial-rules',
  session: 'enduser',
  read: readEmpty,
  async run({ ids }) {
    const rows = await ids.read.selectFrom('dialrule').selectAll().orderBy('type').orderBy('priority').execute();
    return join(
      rows.map((row) =>
        element('e:dial-rule', {
          type: row.type,
          name: row.name,
          priority: row.priority,
          'begins-with': row.beginswith,
          digits: row.digits,
          remove: row.digitsremoved,
          prepend: row.prepend,
        }),
      ),
    );
  },
});
