/** States and reasons of a node in its redundancy group, by the numbers that the product stores and counts. */

export const HA_STATE = {
  unknown: 0,
  initializing: 1,
  /** Failed over by an administrator; its critical services are stopped. */
  idle: 2,
  normal: 3,
  /** Serves its own users and its peer's. */
  backup: 4,
  takingOver: 5,
  /** Gets its users back. */
  takingBack: 6,
  failingOver: 7,
  failedOver: 8,
  /** Failed over, and some critical service is down here. */
  failedOverAffected: 9,
  /** Gives the peer's users back. */
  fallingBack: 10,
  failed: 11,
  /** The Server Recovery Manager cannot be reached, as others see it. */
  down: 12,
} as const;

export type HaState = (typeof HA_STATE)[keyof typeof HA_STATE];

/** As administrators read them. */
export const STATE_NAMES: Readonly<Record<HaState, string>> = {
  0: 'Unknown',
  1: 'Initializing',
  2: 'Idle',
  3: 'Normal',
  4: 'Running in Backup Mode',
  5: 'Taking Over',
  6: 'Taking Back',
  7: 'Failing Over',
  8: 'Failed Over',
  9: 'Failed Over with Critical Services Not Running',
  10: 'Falling Back',
  11: 'Running in Failed Mode',
  12: 'Down',
};

export const HA_REASONS = [
  'Normal',
  'On Admin Request',
  'Initialization',
  'Automatic Fallback',
  'Critical Service Down',
  'Database Failure',
  'Peer Down',
  'Peer Reboot',
  'Peer Down During Initialization',
  'Start of Critical Services Failed',
  'Take Over Users Failed',
  'Take Back Users Failed',
  'Auto Recover Critical Service Down',
  'Auto Recover Database Failure',
  'Unknown',
  'High Availability Not Enabled',
] as const;

export type HaReason = (typeof HA_REASONS)[number];

export interface NodeState {
  readonly state: HaState;
  readonly reason: HaReason;
}

/** The first state of a node, and that of one without high availability. */
export const NOT_ENABLED: NodeState = { state: HA_STATE.unknown, reason: 'High Availability Not Enabled' };

/** States in which a node stays until something happens; the others end by themselves. */
const STABLE: ReadonlySet<HaState> = new Set<HaState>([0, 2, 3, 4, 8, 9, 11, 12]);

export function isStable(state: HaState): boolean {
  return STABLE.has(state);
}

export function isHaState(value: number): value is HaState {
  return value in STATE_NAMES;
}

export function isHaReason(value: string): value is HaReason {
  return (HA_REASONS as readonly string[]).includes(value);
}

/** `imp1 Idle (On Admin Request)`. */
export function describeNode(name: string, { state, reason }: NodeState): string {
  return `${name} ${STATE_NAMES[state]} (${reason})`;
}

/** Whose users a node in a state means to serve: the ownership that it asks for, keeps or gives up. */
export interface Duties {
  readonly own: boolean;
  /** `keep`: those that it holds already, and no others. */
  readonly peer: 'serve' | 'keep' | 'none';
}

const DUTIES: Readonly<Record<HaState, Duties>> = {
  0: { own: true, peer: 'none' },
  1: { own: true, peer: 'keep' },
  2: { own: false, peer: 'none' },
  3: { own: true, peer: 'none' },
  4: { own: true, peer: 'serve' },
  5: { own: true, peer: 'serve' },
  6: { own: true, peer: 'none' },
  7: { own: false, peer: 'none' },
  8: { own: false, peer: 'none' },
  9: { own: false, peer: 'none' },
  10: { own: true, peer: 'none' },
  11: { own: true, peer: 'none' },
  12: { own: false, peer: 'none' },
};

export function dutiesOf(state: HaState): Duties {
  return DUTIES[state];
}
