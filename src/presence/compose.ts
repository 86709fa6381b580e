import { NOBODY, type Pidf, type PidfPerson, type PidfTuple } from '../pidf/pidf.ts';
import { activityOf, type BasicState, basicStateOf, stateOfActivities } from './basic-state.ts';
import type { Compose, Publication } from './publication.ts';

/** What a source says, as far as precedence goes. */
interface Claim {
  readonly publication: Publication;
  readonly state: BasicState;
  /** Its place in the order of docs/presence-composition.md; null when it decides nothing. */
  readonly rank: number | null;
}

const ON_THE_PHONE = 'on-the-phone';
const MEETING = 'meeting';

const RANK = {
  override: 0,
  dnd: 1,
  onThePhone: 2,
  busy: 3,
  meeting: 4,
  available: 5,
  vacation: 6,
  outOfOffice: 7,
  away: 8,
  unavailable: 9,
} as const;

const RANK_OF_CLIENT: Readonly<Record<BasicState, number>> = {
  DND: RANK.dnd,
  BUSY: RANK.busy,
  AVAILABLE: RANK.available,
  VACATION: RANK.vacation,
  AWAY: RANK.away,
  UNAVAILABLE: RANK.unavailable,
};

/**
 * One presence of all that is said about a user: pure, and the same whatever the order (docs/presence-composition.md).
 * An override decides; else the claim that ranks first. The tuples of all sources are kept.
 */
export const composePresence: Compose = (presentity, publications) => {
  const all = [...publications].sort(byAge);
  const isHere = all.some((each) => isClient(each) && basicStateOf(each.document) !== 'UNAVAILABLE');
  const claims = all.map((each): Claim => {
    const state = basicStateOf(each.document);
    return { publication: each, state, rank: rankOf(each, state, isHere) };
  });
  const decisive = first(claims);
  return {
    entity: `sip:${presentity}`,
    person: personOf(presentity, decisive, claims),
    tuples: uniqueTuples(all.flatMap(({ document }) => document.tuples)),
  };
};

/** Newest first; the source decides among equals, so that the order of the input never does. */
function byAge(a: Publication, b: Publication): number {
  return b.publishedAt - a.publishedAt || (a.source < b.source ? -1 : 1);
}

function isClient({ kind }: Publication): boolean {
  return kind === 'client' || kind === 'sip' || kind === 'xmpp';
}

function rankOf({ kind, document }: Publication, state: BasicState, isHere: boolean): number | null {
  switch (kind) {
    case 'override':
      return RANK.override;
    case 'phone':
      // A phone that rests says nothing of where its owner is.
      if (state === 'DND') return RANK.dnd;
      return state === 'BUSY' ? RANK.onThePhone : null;
    case 'calendar':
      // A calendar tells what somebody does who is here, not that somebody is here.
      if (!isHere) return null;
      if (state === 'VACATION') return RANK.outOfOffice;
      return state === 'BUSY' ? RANK.meeting : null;
    default:
      if (state === 'BUSY' && document.person?.activities.includes(ON_THE_PHONE)) return RANK.onThePhone;
      return RANK_OF_CLIENT[state];
  }
}

/** The claim that ranks first; among equals the XMPP resource of higher priority, then the newest. */
function first(claims: readonly Claim[]): Claim | undefined {
  let found: Claim | undefined;
  for (const claim of claims) {
    if (claim.rank === null) continue;
    if (found === undefined || found.rank === null || claim.rank < found.rank) found = claim;
    else if (claim.rank === found.rank && priorityOf(claim) > priorityOf(found)) found = claim;
  }
  return found;
}

/** Other clients have none: they stand where a resource stands that has chosen none. */
function priorityOf({ publication }: Claim): number {
  return publication.priority ?? 0;
}

function personOf(presentity: string, decisive: Claim | undefined, claims: readonly Claim[]): PidfPerson {
  // A phone or a calendar says what its owner does; what the owner has written comes from the client that is first.
  const clients = claims.filter(({ publication }) => isClient(publication));
  const isOwnWords = decisive !== undefined && (isClient(decisive.publication) || decisive.rank === RANK.override);
  const speaker = isOwnWords ? decisive : first(clients);
  const person = speaker?.publication.document.person ?? NOBODY;
  // What a calendar may tell of its entry stands where the user has written nothing.
  const subject = decisive?.publication.kind === 'calendar' ? decisive.publication.document.person?.note : undefined;
  return {
    ...person,
    ...partsOf(person, claims, clients),
    note: person.note || (subject ?? ''),
    id: presentity.slice(0, presentity.lastIndexOf('@')),
    activities: activitiesOf(decisive, claims),
    displayName: person.displayName || nameOf(claims),
  };
}

function activitiesOf(decisive: Claim | undefined, claims: readonly Claim[]): readonly string[] {
  if (decisive === undefined) return [activityOf('UNAVAILABLE')];
  const own = decisive.publication.document.person?.activities ?? [];
  // A document without a known activity gets the one that its devices stand for: readers look for it first.
  const activities = new Set(stateOfActivities(own) ? own : [activityOf(decisive.state), ...own]);
  if (decisive.rank !== RANK.override) {
    for (const { publication, rank } of claims) {
      if (rank === null || isClient(publication)) continue;
      const said = publication.document.person?.activities ?? [];
      for (const activity of [ON_THE_PHONE, MEETING]) if (said.includes(activity)) activities.add(activity);
    }
  }
  return [...activities];
}

/** The state of the phones and of the clients alone, where there is a phone to tell of. */
function partsOf(
  person: PidfPerson,
  claims: readonly Claim[],
  clients: readonly Claim[],
): Pick<PidfPerson, 'phoneStatus' | 'imStatus'> {
  const phone = first(claims.filter(({ publication }) => publication.kind === 'phone'));
  if (phone === undefined) return { phoneStatus: person.phoneStatus, imStatus: person.imStatus };
  return {
    phoneStatus: phone.state === 'DND' ? activityOf('DND') : ON_THE_PHONE,
    imStatus: activityOf(first(clients)?.state ?? 'UNAVAILABLE'),
  };
}

function nameOf(claims: readonly Claim[]): string {
  for (const { publication } of claims) {
    const name = publication.document.person?.displayName;
    if (name) return name;
  }
  return '';
}

/** What is no XML id becomes one, and no two tuples share one: two clients of a kind often bear the same. */
function uniqueTuples(tuples: readonly PidfTuple[]): readonly PidfTuple[] {
  const named = tuples.map((tuple) => ({ tuple, id: xmlId(tuple.id) }));
  const taken = new Set(named.map(({ id }) => id));
  const used = new Set<string>();
  return named.map(({ tuple, id }) => {
    let free = id;
    for (let number = 2; used.has(free) || (free !== id && taken.has(free)); number += 1) free = `${id}-${number}`;
    used.add(free);
    return free === tuple.id ? tuple : { ...tuple, id: free };
  });
}

function xmlId(id: string): string {
  if (id === '') return 'tuple';
  const legal = id.replace(/[^\p{L}\p{N}._-]/gu, '_');
  return /^[\p{L}_]/u.test(legal) ? legal : `t${legal}`;
}

/** The document with the user's name from the directory, where no source has told one. */
export function withDisplayName(document: Pidf, displayName: string): Pidf {
  const person = document.person ?? NOBODY;
  return person.displayName === '' ? { ...document, person: { ...person, displayName } } : document;
}
