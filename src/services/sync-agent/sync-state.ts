import { isoTime } from '../../platform/clock.ts';

/** Where the agent stands with CUCM (docs/services/sync-agent.md). */
export type SyncState =
  | { readonly name: 'NeverSynced' }
  /** Reading everything; `isResync` when data of an earlier sync is being served meanwhile. */
  | {
      readonly name: 'Syncing' | 'Resync';
      readonly stage: string;
      readonly done: number;
      readonly total: number | null;
    }
  /** Complete, and not following yet. */
  | { readonly name: 'InSync' }
  | { readonly name: 'Following' }
  /** The IDS is served as it is; `reason` is a clause. `retryAt` null: a person is needed. */
  | { readonly name: 'Degraded'; readonly reason: string; readonly retryAt: number | null }
  /** On a subscriber: the publisher's agent works, this one waits. */
  | { readonly name: 'Waiting' }
  /** The service is not running. */
  | { readonly name: 'Stopped' };

export interface SyncFacts {
  readonly users: number;
  readonly place: number;
  readonly fullSyncAt: number | null;
  /** CUCM has asked for patience until then; null when it has not. */
  readonly patientUntil: number | null;
  /** CUCM is being asked now. */
  readonly isAsking: boolean;
}

/** One sentence for the administrator. */
export function syncSentence(state: SyncState, facts: SyncFacts): string {
  const patience =
    facts.patientUntil === null ? '' : `; CUCM asks for patience, next try ${isoTime(facts.patientUntil)}`;
  const held = `synced ${facts.users.toLocaleString('en')} users`;
  switch (state.name) {
    case 'NeverSynced':
      return 'nothing is synced yet.';
    case 'Syncing':
    case 'Resync': {
      const of = state.total === null ? '' : ` of ${state.total.toLocaleString('en')}`;
      return `reading ${state.stage}: ${state.done.toLocaleString('en')}${of}${patience}.`;
    }
    case 'InSync':
      return `${held}${patience || ', about to follow changes'}.`;
    case 'Following':
      return `${held}${patience || `, follows changes, next is ${facts.place}`}.`;
    case 'Degraded': {
      const next = facts.isAsking
        ? `being tried again${patience}`
        : state.retryAt === null
          ? 'not tried again by itself'
          : `next try ${isoTime(state.retryAt)}`;
      const served = facts.fullSyncAt === null ? 'nothing is synced yet' : `serving the ${facts.users} users known`;
      return `${state.reason}; ${served}; ${next}.`;
    }
    case 'Stopped':
      return `the Sync Agent is stopped: CUCM is not followed; serving the ${facts.users} users known.`;
    case 'Waiting':
      return "waits: the publisher's agent does the work.";
  }
}

/** The product's own words for it, as its table keeps them. */
export function productStatus(state: SyncState, facts: { readonly at: number; readonly isComplete: boolean }): string {
  const at = isoTime(facts.at).slice(0, 19).replace('T', ' ');
  if (state.name === 'Degraded') {
    return facts.isComplete
      ? `Sync Completed, but currently failed to connect to the CUCM Database Monitor. Retrying... ${at}`
      : `Failed ${at}`;
  }
  return facts.isComplete ? `Completed ${at}` : 'Not completed';
}

/** Which steps are legal; anything else is a mistake of ours. */
const LEGAL: Readonly<Record<SyncState['name'], readonly SyncState['name'][]>> = {
  NeverSynced: ['Syncing', 'Degraded', 'Waiting'],
  Syncing: ['Syncing', 'InSync', 'Degraded'],
  Resync: ['Resync', 'InSync', 'Degraded'],
  InSync: ['Following', 'Resync', 'Degraded'],
  Following: ['Following', 'Resync', 'Degraded'],
  Degraded: ['Degraded', 'Syncing', 'Resync', 'Following', 'InSync'],
  Waiting: [],
  // A start sets the state it begins with.
  Stopped: [],
};

export function isLegalStep(from: SyncState['name'], to: SyncState['name']): boolean {
  return to === 'Stopped' || LEGAL[from].includes(to);
}
