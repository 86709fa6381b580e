import type { Kysely } from 'kysely';
import type { Database } from '../../../ids/database.ts';
import { element, join, type Markup, text } from '../../../xml/write.ts';

/** One contact in one group; an empty group is a row without a contact. */
export interface ContactRow {
  /** Key of the group in the IDS. */
  readonly group: string;
  readonly name: string;
  readonly contactuser: string | null;
  readonly contactdomain: string | null;
  readonly nickname: string | null;
  readonly presenceaware: number | null;
}

/** A user's list, groups in the user's order, each with its contacts. */
export async function readContactRows(db: Kysely<Database>, userPkid: string): Promise<readonly ContactRow[]> {
  return await db
    .selectFrom('rostergroup as team')
    .leftJoin('rosteritemgroup as place', 'place.fkrostergroup', 'team.pkid')
    .leftJoin('rosteritem as item', 'item.pkid', 'place.fkrosteritem')
    .select([
      'team.pkid as group',
      'team.name',
      'item.contactuser',
      'item.contactdomain',
      'item.nickname',
      'item.presenceaware',
    ])
    .where('team.fkenduser', '=', userPkid)
    .orderBy('team.position')
    .orderBy('team.name')
    .orderBy('place.position')
    .orderBy('item.contactuser')
    .execute();
}

/** Content of a `ContactListType`; rows of a group stand together. */
export function writeContactRows(rows: readonly ContactRow[]): Markup {
  const groups: Markup[] = [];
  let contacts: Markup[] = [];
  for (const [index, row] of rows.entries()) {
    if (row.contactuser !== null) {
      contacts.push(
        element(
          'e:persona-id',
          {
            domain: row.contactdomain ?? '',
            nickname: row.nickname === null || row.nickname === '' ? undefined : row.nickname,
            'presence-aware': row.presenceaware === 0 ? false : undefined,
          },
          text(row.contactuser),
        ),
      );
    }
    if (rows[index + 1]?.group !== row.group) {
      groups.push(element('e:group', { name: row.name }, ...contacts));
      contacts = [];
    }
  }
  return join(groups);
}
