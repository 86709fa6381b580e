import type { Pidf } from '../pidf/pidf.ts';

/** States of basic presence, in the words of the Presence Web Service. */
export const BASIC_STATES = ['AVAILABLE', 'BUSY', 'DND', 'AWAY', 'UNAVAILABLE', 'VACATION'] as const;
export type BasicState = (typeof BASIC_STATES)[number];

/** What each activity (ours, and those of RFC 4480) means in basic presence; any other activity says nothing. */
const STATE_OF_ACTIVITY: ReadonlyMap<string, BasicState> = new Map([
  ['available', 'AVAILABLE'],
  ['appointment', 'BUSY'],
  ['away', 'AWAY'],
  ['busy', 'BUSY'],
  ['dnd', 'DND'],
  ['holiday', 'VACATION'],
  ['in-transit', 'AWAY'],
  ['meal', 'AWAY'],
  ['meeting', 'BUSY'],
  ['on-the-phone', 'BUSY'],
  ['permanent-absence', 'VACATION'],
  ['presentation', 'BUSY'],
  ['sleeping', 'AWAY'],
  ['steering', 'AWAY'],
  ['travel', 'AWAY'],
  ['unavailable', 'UNAVAILABLE'],
  ['vacation', 'VACATION'],
]);

const ACTIVITY_OF_STATE: Readonly<Record<BasicState, string>> = {
  AVAILABLE: 'available',
  BUSY: 'busy',
  DND: 'dnd',
  AWAY: 'away',
  UNAVAILABLE: 'unavailable',
  VACATION: 'vacation',
};

export function activityOf(state: BasicState): string {
  return ACTIVITY_OF_STATE[state];
}

/** The state of the first activity that is known; undefined when none is. */
export function stateOfActivities(activities: readonly string[]): BasicState | undefined {
  for (const activity of activities) {
    const state = STATE_OF_ACTIVITY.get(activity);
    if (state) return state;
  }
  return undefined;
}

/** Basic view of a document: by its activities, else available when one of its devices is open. */
export function basicStateOf({ person, tuples }: Pidf): BasicState {
  const told = person ? stateOfActivities(person.activities) : undefined;
  if (told) return told;
  return tuples.some(({ basic }) => basic === 'open') ? 'AVAILABLE' : 'UNAVAILABLE';
}
