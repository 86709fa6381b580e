import { basicStateOf } from '../../../presence/basic-state.ts';
import type { Compose, Publication, PublicationKind } from '../../../presence/publication.ts';

/** Sources by which a person says what to do: not a phone, whose word it would be again, and not a calendar. */
const MANUAL: ReadonlySet<PublicationKind> = new Set(['override', 'client', 'sip', 'xmpp']);

/** Whether the user has asked not to be disturbed. @param address bare, in lower case */
export function isManualDnd(compose: Compose, address: string, publications: readonly Publication[]): boolean {
  const manual = publications.filter(({ kind }) => MANUAL.has(kind));
  // Most users, most of the time: nothing to compose.
  if (!manual.some(({ document }) => basicStateOf(document) === 'DND')) return false;
  return basicStateOf(compose(address, manual)) === 'DND';
}
