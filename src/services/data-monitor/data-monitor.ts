import { z } from 'zod';
import type { Alarms } from '../../platform/alarms.ts';
import { type Clock, isoTime } from '../../platform/clock.ts';
import type { Log } from '../../platform/log.ts';
import type { Notifications } from '../../platform/notifications.ts';
import type { Scope, Service, ServiceDescriptor } from '../../platform/service.ts';
import type { Gate } from '../../platform/supervisor.ts';
import { decideGate } from './gate.ts';

const optionsSchema = z.strictObject({
  timeoutSeconds: z
    .number()
    .int()
    .min(60)
    .max(7200)
    .default(1200)
    .describe('On the publisher, dependent services start after this even if replication and sync are not complete.'),
});

export type DataMonitorOptions = z.infer<typeof optionsSchema>;

/**
 * Monitors IDS replication and the Sync Agent's sync; dependent services are only allowed to start after both are
 * good (on a subscriber: after its own replication is).
 */
export const dataMonitorDescriptor: ServiceDescriptor<DataMonitorOptions> = {
  name: 'data-monitor',
  title: 'Cisco IM and Presence Data Monitor',
  purpose:
    'Monitors IDS replication and the first sync from CUCM, and holds dependent services back until both are good.',
  kind: 'network',
  isXcp: false,
  dependsOn: [],
  waitsForDataMonitor: false,
  conformance: [],
  options: optionsSchema,
};

export interface DataMonitorNeeds {
  readonly isPublisher: boolean;
  /** The present replication state, 0 to 4. */
  readonly replicationState: () => number;
  readonly sync: {
    readonly isSyncComplete: () => boolean;
    readonly earlierSyncAt: () => number | null;
    readonly isCucmAway: () => boolean;
    /** Called when one of these may have changed. */
    readonly onChange: (listener: () => void) => Disposable;
  };
  /** Replication of a one-node cluster is trivially good: it need not prove itself for ten seconds. */
  readonly stabilityMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly alarms: Alarms;
  readonly notifications: Notifications;
}

export interface DataMonitor extends Service, Gate {
  /** Called once, when the gate opens. */
  onOpen(listener: () => void): void;
}

const HELD_BACK = 'held-back';
const LOOK_EVERY_MS = 1_000;

/** Once open, the gate does not close: losing replication later raises an alarm and stops nothing. */
export function createDataMonitor(needs: DataMonitorNeeds, options: DataMonitorOptions): DataMonitor {
  const log = needs.log.child({ subsystem: 'data-monitor' });
  const listeners: (() => void)[] = [];
  let isOpen = false;
  let openedAt = 0;
  let sentence = 'the Data Monitor to look at IDS replication and the sync';
  let startedAt: number | undefined;
  let goodSince: number | undefined;

  const look = (): void => {
    const now = needs.clock.monotonic();
    const replicationState = needs.replicationState();
    if (replicationState === 2) {
      goodSince ??= now;
      needs.alarms.clear('data-monitor', 'ReplicationFailure');
    } else {
      goodSince = undefined;
      if (isOpen)
        needs.alarms.raise('data-monitor', 'ReplicationFailure', 4, `IDS replication state is ${replicationState}`);
    }
    if (isOpen) {
      if (needs.sync.isSyncComplete() && replicationState === 2) {
        needs.alarms.clear('data-monitor', 'ReplicationFailureTimeout');
      }
      return;
    }
    const decision = decideGate({
      isPublisher: needs.isPublisher,
      replicationState,
      replicationGoodForMs: goodSince === undefined ? 0 : now - goodSince,
      isSyncComplete: needs.sync.isSyncComplete(),
      earlierSyncAt: needs.sync.earlierSyncAt(),
      isCucmAway: needs.sync.isCucmAway(),
      waitedMs: now - (startedAt ?? now),
      timeoutMs: options.timeoutSeconds * 1000,
      stabilityMs: needs.stabilityMs,
    });
    sentence = decision.sentence;
    if (!decision.isOpen) {
      needs.notifications.raise({
        service: 'data-monitor',
        cause: HELD_BACK,
        severity: 'medium',
        text: `services stay in Starting: waiting for ${sentence}. This ends by itself.`,
      });
      return;
    }
    isOpen = true;
    needs.notifications.clear('data-monitor', HELD_BACK, 'complete');
    openedAt = needs.clock.now();
    if (decision.reason === 'timeout') {
      needs.alarms.raise('data-monitor', 'ReplicationFailureTimeout', 4, decision.sentence);
    }
    log[decision.reason === 'ready' ? 'info' : 'warn']({ reason: decision.reason, detail: sentence }, 'gate opened');
    for (const listener of listeners.splice(0)) listener();
  };

  return {
    get isOpen() {
      return isOpen;
    },
    get waitsFor() {
      return sentence;
    },
    onOpen(listener) {
      if (isOpen) listener();
      else listeners.push(listener);
    },
    async start(scope: Scope) {
      startedAt = needs.clock.monotonic();
      const watch = needs.sync.onChange(look);
      scope.defer(() => watch[Symbol.dispose]());
      scope.every(LOOK_EVERY_MS, look);
      look();
    },
    detail: () =>
      isOpen ? `gate open since ${isoTime(openedAt)}: ${sentence}` : `holding services back, waiting for ${sentence}`,
  };
}
