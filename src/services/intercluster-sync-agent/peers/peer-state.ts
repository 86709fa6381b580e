import { isoTime } from '../../../platform/clock.ts';
import type { PeerReason } from '../errors.ts';

/** Where a peer stands. Times are milliseconds since the epoch. */
export type PeerState =
  | { readonly name: 'Configured' }
  | { readonly name: 'Connecting' }
  | { readonly name: 'Syncing'; readonly stage: string; readonly done: number; readonly total: number | null }
  | { readonly name: 'Synced'; readonly at: number; readonly users: number }
  /** `nextTryAt` is null when only a person can help. */
  | {
      readonly name: 'Failed';
      readonly reason: PeerReason;
      readonly message: string;
      readonly nextTryAt: number | null;
    }
  /** Nothing is asked of it: this side is not ready. */
  | { readonly name: 'Paused'; readonly message: string };

type StateName = PeerState['name'];

const STEPS: Readonly<Record<StateName, readonly StateName[]>> = {
  Configured: ['Connecting', 'Paused', 'Failed'],
  Connecting: ['Syncing', 'Synced', 'Failed', 'Paused'],
  Syncing: ['Syncing', 'Synced', 'Failed'],
  Synced: ['Connecting', 'Paused'],
  Failed: ['Connecting', 'Paused'],
  Paused: ['Connecting', 'Paused'],
};

export function isLegalStep(from: StateName, to: StateName): boolean {
  return STEPS[from].includes(to);
}

/** One sentence for the administrator. */
export function peerSentence(state: PeerState): string {
  switch (state.name) {
    case 'Configured':
      return 'not tried yet';
    case 'Connecting':
      return 'asks who it is';
    case 'Syncing': {
      const of = state.total === null ? '' : ` of ${state.total}`;
      return `reads ${state.stage}${state.done === 0 && state.total === null ? '' : `: ${state.done}${of}`}`;
    }
    case 'Synced':
      return `${state.users} ${state.users === 1 ? 'user' : 'users'}, ${isoTime(state.at)}`;
    case 'Failed':
      return state.nextTryAt === null
        ? `${state.message}; it is not tried again until somebody asks (imp peer sync)`
        : `${state.message}; next try ${isoTime(state.nextTryAt)}`;
    case 'Paused':
      return state.message;
  }
}
