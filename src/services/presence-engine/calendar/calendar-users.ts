import type { Kysely } from 'kysely';
import type { Change } from '../../../ids/change-feed.ts';
import type { Database, WatchedTable } from '../../../ids/database.ts';

/** Tables by which it changes whose calendars are followed. */
export const CALENDAR_TABLES = ['enduser', 'enduserproperty'] as const satisfies WatchedTable[];

/** Settings of the Client Profile Agent's `set-calendar-options`. */
const IN_PRESENCE = 'Calendar.InPresence';
const SUBJECT_VISIBLE = 'Calendar.SubjectVisible';
/** Joins the columns of a key in the change log. */
const KEY_SEPARATOR = '\u001f';

/** A user whose calendar counts. */
export interface CalendarUser {
  readonly pkid: string;
  readonly userid: string;
  /** IM address in lower case. */
  readonly address: string;
  /** In lower case; '' when there is none. */
  readonly mail: string;
  readonly isSubjectVisible: boolean;
}

/**
 * Users of the node whom CUCM allows calendars in presence, and who have not taken theirs out.
 * @param pkids only these; undefined: all
 */
export async function readCalendarUsers(
  db: Kysely<Database>,
  nodeId: number,
  pkids: readonly string[] | undefined,
): Promise<readonly CalendarUser[]> {
  let query = db
    .selectFrom('enduser')
    .leftJoin('enduserproperty as counts', (join) =>
      join.onRef('counts.fkenduser', '=', 'enduser.pkid').on('counts.name', '=', IN_PRESENCE),
    )
    .leftJoin('enduserproperty as subject', (join) =>
      join.onRef('subject.fkenduser', '=', 'enduser.pkid').on('subject.name', '=', SUBJECT_VISIBLE),
    )
    .where('enduser.enablecups', '=', 1)
    .where('enduser.enablecalendarpresence', '=', 1)
    .where('enduser.status', '=', 1)
    .where('enduser.deletedat', 'is', null)
    .where('enduser.peerclusterid', 'is', null)
    .where('enduser.primarynodeid', '=', nodeId)
    .where(({ eb, or }) => or([eb('counts.value', 'is', null), eb('counts.value', '=', 'TRUE')]))
    .select(['enduser.pkid', 'enduser.userid', 'enduser.imaddress', 'enduser.mailid', 'subject.value as subject']);
  if (pkids !== undefined) query = query.where('enduser.pkid', 'in', [...pkids]);
  return (await query.execute()).map(({ pkid, userid, imaddress, mailid, subject }) => ({
    pkid,
    userid,
    address: imaddress.toLowerCase(),
    mail: mailid.toLowerCase(),
    isSubjectVisible: subject === 'TRUE',
  }));
}

/** Keys of the users whose calendars may count otherwise after the changes. */
export function calendarUsersOf(changes: readonly Change[]): readonly string[] {
  const pkids = new Set<string>();
  for (const { table, key } of changes) {
    const [pkid = '', name] = key.split(KEY_SEPARATOR);
    if (table === 'enduser') pkids.add(key);
    else if (table === 'enduserproperty' && (name === IN_PRESENCE || name === SUBJECT_VISIBLE)) pkids.add(pkid);
  }
  return [...pkids];
}
