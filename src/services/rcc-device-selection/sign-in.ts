import type { Kysely } from 'kysely';
import type { Database } from '../../ids/database.ts';
import { RccError } from './errors.ts';
import type { LineUri } from './selection/line-uri.ts';
import type { Selection } from './selection/select-device.ts';
import type { Selections } from './selections.ts';
import { type RccUser, requireAssigned } from './users.ts';

const WHY: Readonly<Record<Extract<Selection, { kind: 'refused' }>['why'], string>> = {
  'no-appearance': 'has no phone that may be driven',
  'no-such-line': 'has no phone with that number',
  'no-such-device': 'has no phone of that name with that number',
};

/**
 * The phone for a user and a Line URI.
 * @throws RccError `rcc.not-licensed`, `rcc.not-authorized`
 */
export async function signInTo(
  db: Kysely<Database>,
  selections: Selections,
  user: RccUser,
  lineUri: LineUri,
): Promise<Extract<Selection, { kind: 'selected' }>> {
  await requireAssigned(db, user);
  const selection = await selections.select(user, lineUri);
  if (selection.kind === 'refused') {
    throw new RccError('rcc.not-authorized', `${user.userid} ${WHY[selection.why]}`);
  }
  return selection;
}
