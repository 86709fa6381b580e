import { NOBODY, type Pidf, type PidfPerson } from '../pidf/pidf.ts';
import { activityOf, type BasicState, basicStateOf, stateOfActivities } from './basic-state.ts';
import type { Compose, Publication } from './publication.ts';

/** Which client decides: the one whose state stands first here. A user is unavailable only when all clients are. */
const RANK: Readonly<Record<BasicState, number>> = {
  DND: 0,
  BUSY: 1,
  AVAILABLE: 2,
  VACATION: 3,
  AWAY: 4,
  UNAVAILABLE: 5,
};

/**
 * The simple composition: an override decides; else the client whose state ranks first, the newest among equals. The
 * tuples of all sources are kept. A Presence Engine puts its own composition in this place.
 */
export const composePresence: Compose = (presentity, publications) => {
  const byAge = [...publications].sort((a, b) => b.publishedAt - a.publishedAt || (a.source < b.source ? -1 : 1));
  const decisive =
    byAge.find(({ kind }) => kind === 'override') ??
    [...byAge].sort((a, b) => RANK[basicStateOf(a.document)] - RANK[basicStateOf(b.document)])[0];
  return {
    entity: `sip:${presentity}`,
    person: personOf(presentity, decisive, byAge),
    tuples: byAge.flatMap(({ document }) => document.tuples),
  };
};

function personOf(presentity: string, decisive: Publication | undefined, all: readonly Publication[]): Pidf['person'] {
  const document: Pidf = decisive?.document ?? { entity: '', person: null, tuples: [] };
  const person: PidfPerson = document.person ?? NOBODY;
  const state = basicStateOf(document);
  return {
    ...person,
    id: presentity.slice(0, presentity.lastIndexOf('@')),
    // A document without a known activity gets the one that its devices stand for: readers look for it first.
    activities: stateOfActivities(person.activities) ? person.activities : [activityOf(state), ...person.activities],
    displayName:
      person.displayName || (all.find((each) => each.document.person?.displayName)?.document.person?.displayName ?? ''),
  };
}
