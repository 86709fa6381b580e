/** What the Data Monitor knows when it decides about the gate. Durations in milliseconds. */
export interface GateFacts {
  readonly isPublisher: boolean;
  /** 0 initialising, 1 being set up, 2 good, 3 bad somewhere, 4 set-up failed (docs/services/data-monitor.md). */
  readonly replicationState: number;
  /** How long state 2 has held. */
  readonly replicationGoodForMs: number;
  /** The Sync Agent has completed its sync in this run. */
  readonly isSyncComplete: boolean;
  /** A sync of an earlier run stands in the IDS: when it ended, else null. */
  readonly earlierSyncAt: number | null;
  /** CUCM was tried and cannot be reached. */
  readonly isCucmAway: boolean;
  /** Since the Data Monitor started. */
  readonly waitedMs: number;
  readonly timeoutMs: number;
  readonly stabilityMs: number;
}

export type GateDecision =
  | { readonly isOpen: true; readonly reason: 'ready' | 'earlier-sync' | 'timeout'; readonly sentence: string }
  | { readonly isOpen: false; readonly sentence: string };

/**
 * Publisher: own replication good and the sync complete, or the time-out. Subscriber: own replication good, nothing
 * else, without a time limit. The sentences are clauses that follow "waiting for" or "opened:".
 */
export function decideGate(facts: GateFacts): GateDecision {
  const isReplicated = facts.replicationState === 2 && facts.replicationGoodForMs >= facts.stabilityMs;
  const replication = `IDS replication (state ${facts.replicationState}, 2 is good)`;
  if (!facts.isPublisher) {
    return isReplicated
      ? { isOpen: true, reason: 'ready', sentence: 'IDS replication is good' }
      : { isOpen: false, sentence: replication };
  }
  if (isReplicated && facts.isSyncComplete) {
    return { isOpen: true, reason: 'ready', sentence: 'IDS replication is good and the sync from CUCM is complete' };
  }
  if (isReplicated && facts.isCucmAway && facts.earlierSyncAt !== null) {
    const since = new Date(facts.earlierSyncAt).toISOString();
    return { isOpen: true, reason: 'earlier-sync', sentence: `CUCM cannot be reached; serving the sync of ${since}` };
  }
  if (facts.waitedMs >= facts.timeoutMs) {
    return {
      isOpen: true,
      reason: 'timeout',
      sentence: `the wait of ${facts.timeoutMs / 1000} s is over; ${isReplicated ? 'the sync from CUCM' : replication} is still missing`,
    };
  }
  return { isOpen: false, sentence: isReplicated ? "the Sync Agent's first sync from CUCM" : replication };
}
