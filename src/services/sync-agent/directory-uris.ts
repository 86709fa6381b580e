import { sql } from 'kysely';
import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import { directoryUriDomain } from './mapping.ts';

export interface DirectoryUriFindings {
  /** Users that share a directory URI, compared without case, by that URI. */
  readonly duplicates: ReadonlyMap<string, readonly string[]>;
  /** Users whose directory URI is not of the form `user@domain`; an empty one is none. */
  readonly invalid: readonly { readonly userid: string; readonly directoryUri: string }[];
}

const PAGE = 2_000;
/** Named in an alarm; all of them are listed by `imp user validate`. */
const NAMED = 5;

/** Looks at the directory URIs of all users that are enabled for IM and Presence, of this cluster and of peers. */
export async function findDirectoryUriProblems(ids: Ids, pause: () => Promise<void>): Promise<DirectoryUriFindings> {
  const invalid: { userid: string; directoryUri: string }[] = [];
  const enabled = ids.read.selectFrom('enduser').where('deletedat', 'is', null).where('enablecups', '=', 1);
  for (let after = ''; ; ) {
    const rows = await enabled
      .where('pkid', '>', after)
      .where('directoryuri', '<>', '')
      .select(['pkid', 'userid', 'directoryuri'])
      .orderBy('pkid')
      .limit(PAGE)
      .execute();
    for (const row of rows) {
      if (directoryUriDomain(row.directoryuri) === null) {
        invalid.push({ userid: row.userid, directoryUri: row.directoryuri });
      }
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) break;
    after = last.pkid;
    await pause();
  }
  const shared = await enabled
    .where(
      sql<string>`lower(directoryuri)`,
      'in',
      ids.read
        .selectFrom('enduser')
        .where('deletedat', 'is', null)
        .where('enablecups', '=', 1)
        .where('directoryuri', '<>', '')
        .groupBy(sql`lower(directoryuri)`)
        .having(({ fn }) => fn.countAll(), '>', 1)
        .select(sql<string>`lower(directoryuri)`.as('uri')),
    )
    .select(['userid', sql<string>`lower(directoryuri)`.as('uri')])
    .orderBy('userid')
    .execute();
  const duplicates = new Map<string, string[]>();
  for (const { uri, userid } of shared) duplicates.set(uri, [...(duplicates.get(uri) ?? []), userid]);
  return { duplicates, invalid };
}

/**
 * Raises or clears the product's alarms. They are the warning variants: users are addressed by `userid@domain` here, so
 * a bad directory URI keeps nobody from being reached.
 */
export function judgeDirectoryUris(alarms: Alarms, findings: DirectoryUriFindings): void {
  const some = (of: readonly string[]): string =>
    `${of.slice(0, NAMED).join('; ')}${of.length > NAMED ? `; and ${of.length - NAMED} more` : ''} (imp user validate)`;
  if (findings.duplicates.size === 0) alarms.clear('sync-agent', 'DuplicateDirectoryURIWarning');
  else {
    const named = [...findings.duplicates].map(([uri, users]) => `${uri}: ${users.join(', ')}`);
    alarms.raise('sync-agent', 'DuplicateDirectoryURIWarning', 4, `users share a directory URI: ${some(named)}`);
  }
  if (findings.invalid.length === 0) alarms.clear('sync-agent', 'InvalidDirectoryURIWarning');
  else {
    const named = findings.invalid.map(({ userid, directoryUri }) => `${userid}: ${directoryUri}`);
    alarms.raise('sync-agent', 'InvalidDirectoryURIWarning', 4, `directory URIs are not valid: ${some(named)}`);
  }
}
