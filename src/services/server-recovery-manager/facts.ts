import { HA_STATE, type HaReason, type HaState, type NodeState } from './states.ts';

/** Critical services and database of a node: all up; one down, but not for long enough; one down past the delay. */
export type Health = 'up' | 'pending' | 'down';

/** What a node knows when it decides. */
export interface Facts {
  readonly own: NodeState;
  readonly health: Health;
  /** What the node was before its Server Recovery Manager started; null when that says nothing (any more). */
  readonly recorded: NodeState | null;
  /** What the peer said last; null while it is silent, or was never heard. */
  readonly peer: (NodeState & { readonly health: Health }) | null;
  /** This node has taken over the ownership of the peer's users. */
  readonly holdsPeerUsers: boolean;
  /** It has just left Failed on request: its peer is about to do the same. */
  readonly isRecovering: boolean;
  /** Decides between two nodes that began the same thing at once. */
  readonly hasLowerId: boolean;
}

export type HaEvent =
  | { readonly kind: 'started' | 'ha-enabled' | 'ha-disabled' }
  /** The peer has been heard; what it said is in the facts. */
  | { readonly kind: 'peer-heard' }
  /** The peer is back, and its host was started anew in between. */
  | { readonly kind: 'peer-host-restarted' }
  /** Nothing heard for the keep-alive time-out, and the peer no longer holds its users. */
  | { readonly kind: 'peer-silent'; readonly cause: 'Peer Down' | 'Peer Reboot' }
  /** The same in Initializing, after the longer time-out of its own. */
  | { readonly kind: 'peer-silent-at-start' }
  /** Nothing heard, and this node is the one that is cut off. */
  | { readonly kind: 'isolated' }
  /** The peer has taken the ownership of this node's users. */
  | { readonly kind: 'ownership-lost' }
  /** Past the critical service delay. */
  | { readonly kind: 'services-down' | 'database-down' }
  | { readonly kind: 'services-up' }
  | { readonly kind: 'failover' | 'fallback' | 'recover' }
  | { readonly kind: 'automatic-fallback' | 'automatic-recovery' }
  | { readonly kind: 'users-taken' | 'taking-failed' }
  | { readonly kind: 'users-back' | 'taking-back-failed' | 'services-not-started' };

/** One row of the table: the first that fits decides. */
export interface TransitionRow {
  /** The number in docs/services/server-recovery-manager.md. */
  readonly row: string;
  readonly name: string;
  /** `any`: all but the one it leads to. */
  readonly from: readonly HaState[] | 'any';
  readonly on: HaEvent['kind'] | readonly HaEvent['kind'][];
  readonly when?: (facts: Facts, event: HaEvent) => boolean;
  readonly to: HaState | ((facts: Facts) => HaState);
  readonly reason: HaReason | ((facts: Facts, event: HaEvent) => HaReason);
  /** The group recovers by itself after this. */
  readonly recovers?: boolean;
}

/** Failed over, with or without its critical services. */
export function failedOverState(facts: Facts): HaState {
  return facts.health === 'up' ? HA_STATE.failedOver : HA_STATE.failedOverAffected;
}

/** Whether the peer was heard in one of these states. */
export function peerIs(facts: Facts, ...states: readonly HaState[]): boolean {
  return facts.peer !== null && states.includes(facts.peer.state);
}
