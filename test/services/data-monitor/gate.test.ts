import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideGate, type GateFacts } from '../../../src/services/data-monitor/gate.ts';

const publisher: GateFacts = {
  isPublisher: true,
  replicationState: 2,
  replicationGoodForMs: 10_000,
  isSyncComplete: true,
  earlierSyncAt: null,
  isCucmAway: false,
  waitedMs: 0,
  timeoutMs: 1_200_000,
  stabilityMs: 10_000,
};

const rows: readonly (readonly [string, Partial<GateFacts>, string])[] = [
  ['publisher: replication good and sync complete', {}, 'ready'],
  ['publisher: sync not complete', { isSyncComplete: false }, 'closed'],
  ['publisher: replication not good', { replicationState: 1 }, 'closed'],
  ['publisher: good, but not for long enough', { replicationGoodForMs: 9_999 }, 'closed'],
  ['publisher: time-out without sync', { isSyncComplete: false, waitedMs: 1_200_000 }, 'timeout'],
  ['publisher: time-out without replication', { replicationState: 4, waitedMs: 1_200_000 }, 'timeout'],
  ['publisher: earlier sync, CUCM away', { isSyncComplete: false, earlierSyncAt: 1, isCucmAway: true }, 'earlier-sync'],
  ['publisher: earlier sync, CUCM there', { isSyncComplete: false, earlierSyncAt: 1 }, 'closed'],
  ['publisher: no earlier sync, CUCM away', { isSyncComplete: false, isCucmAway: true }, 'closed'],
  ['subscriber: replication good, whatever the sync', { isPublisher: false, isSyncComplete: false }, 'ready'],
  ['subscriber: waits without limit', { isPublisher: false, replicationState: 3, waitedMs: 9_000_000 }, 'closed'],
];

describe('the gate', () => {
  for (const [name, change, expected] of rows) {
    it(name, () => {
      const decision = decideGate({ ...publisher, ...change });
      assert.equal(decision.isOpen ? decision.reason : 'closed', expected);
      assert.notEqual(decision.sentence, '');
    });
  }
});
