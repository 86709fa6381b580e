import { sql } from 'kysely';
import { attribute } from '../../../xml/element.ts';
import { element, join } from '../../../xml/write.ts';
import { CpaFault } from '../errors.ts';
import { sessionOperation } from '../operation.ts';
import { childrenOf, oneOf, requiredAttribute, token, tokenText } from '../read-request.ts';

const COLUMNS = {
  UserId: ['userid'],
  FirstName: ['firstname'],
  LastName: ['lastname'],
  DisplayName: ['displayname'],
  Email: ['mailid'],
  Any: ['userid', 'firstname', 'lastname', 'displayname', 'mailid'],
} as const;
const NAMES = ['Any', 'UserId', 'FirstName', 'LastName', 'DisplayName', 'Email'] as const;
const MAX_USERS = 100;
const MAX_MATCHES = 10;

interface Match {
  readonly name: (typeof NAMES)[number];
  readonly value: string;
}

/** Public data of users that match all of what is asked. Source: documented as a function; the form is ours. */
export const searchUsers = sessionOperation<{ readonly max: number; readonly matches: readonly Match[] }>({
  name: 'search-users',
  session: 'enduser',
  read(payload) {
    const matches = childrenOf(payload, ['match']).map((child) => ({
      name: oneOf(token(requiredAttribute(child, 'name')), NAMES, 'name'),
      value: tokenText(child),
    }));
    const written = token(attribute(payload, 'max') ?? String(MAX_USERS));
    const max = /^\+?\d{1,9}$/.test(written) ? Number(written) : 0;
    if (matches.length === 0 || matches.length > MAX_MATCHES || max < 1 || max > MAX_USERS) {
      throw new CpaFault(
        'notUnderstood',
        `search-users needs 1 to ${MAX_MATCHES} matches, and max from 1 to ${MAX_USERS}`,
      );
    }
    return { max, matches };
  },
  async run({ ids }, { max, matches }) {
    let query = ids.read
      .selectFrom('enduser')
      .select(['userid', 'imaddress', 'displayname', 'firstname', 'lastname', 'mailid'])
      .where('deletedat', 'is', null)
      .where('status', '=', 1)
      .where('enablecups', '=', 1);
    for (const { name, value } of matches) {
      const pattern = `%${value.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
      query = query.where((eb) =>
        eb.or(COLUMNS[name].map((column) => sql<boolean>`lower(${sql.ref(column)}) LIKE ${pattern} ESCAPE '\\'`)),
      );
    }
    const rows = await query.orderBy('userid').limit(max).execute();
    return join(
      rows.map((row) =>
        element('e:user', {
          id: row.userid,
          domain: row.imaddress.slice(row.imaddress.lastIndexOf('@') + 1),
          'display-name': row.displayname === '' ? `${row.firstname} ${row.lastname}`.trim() : row.displayname,
          mail: row.mailid,
        }),
      ),
    );
  },
});
