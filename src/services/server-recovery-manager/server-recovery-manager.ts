import { randomUUID } from 'node:crypto';
import type { DatastoreEngine, RowOwner } from '../../datastore/datastore.ts';
import { createTurns } from '../../datastore/turns.ts';
import type { ChangeFeed } from '../../ids/change-feed.ts';
import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Notifications } from '../../platform/notifications.ts';
import type { Service, ServiceDescriptor } from '../../platform/service.ts';
import { createAdministration, type HighAvailability } from './administration.ts';
import type { PeerTransport } from './beat.ts';
import type { ServiceControl, UserMover } from './duties.ts';
import { createNodeLife, type NodeLife } from './node-life.ts';
import { optionsSchema, type ServerRecoveryManagerOptions } from './options.ts';
import { notTheOwner } from './ownership.ts';
import { readTopology } from './record.ts';
import { HA_STATE, NOT_ENABLED, type NodeState, STATE_NAMES } from './states.ts';

export type { HaOverview, HighAvailability } from './administration.ts';
export type { UserMover } from './duties.ts';
export type { ServerRecoveryManagerOptions } from './options.ts';

export const serverRecoveryManagerDescriptor: ServiceDescriptor<ServerRecoveryManagerOptions> = {
  name: 'server-recovery-manager',
  title: 'Cisco Server Recovery Manager',
  purpose:
    'Manages the failover between the two nodes of a presence redundancy group: heartbeats, critical services, and the state of the node.',
  kind: 'network',
  isXcp: false,
  dependsOn: ['data-monitor'],
  waitsForDataMonitor: false,
  conformance: [],
  options: optionsSchema,
};

export interface ServerRecoveryManagerNeeds {
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  /** Holds the leases on users. */
  readonly engine: DatastoreEngine;
  /** Whether other nodes see what `engine` holds. */
  readonly isStoreShared: boolean;
  readonly transport: PeerTransport;
  /** Asked while it runs: the supervisor is made after its services. */
  readonly services: () => ServiceControl;
  readonly users: UserMover;
  /** Of the IDS, 0 to 4. */
  readonly replicationState: () => number;
  readonly hostAnswers: (address: string) => Promise<boolean>;
  /** Names this life of the host. */
  readonly hostId: string;
  readonly isNodeGoingDown: () => boolean;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  readonly notifications: Notifications;
}

export interface ServerRecoveryManager {
  /** Of this node, now. */
  readonly own: NodeState;
  /** What administrators see and do. */
  readonly administration: HighAvailability & { readonly state: string; readonly reason: string };
  /**
   * What stands in rows about users of a home node: this node, and the epoch in which it serves them.
   * @throws ImpError kind `unavailable` while another node owns them, or it is not known who does
   */
  ownerOf(home: number | null): RowOwner;
}

const TABLES = ['enterprisenode', 'enterprisesubcluster'] as const;
/** Columns that this service writes itself. */
const OWN_COLUMNS: ReadonlySet<string> = new Set(['tkhaserverstate', 'hareason']);

/** Manages the failover between the nodes of a redundancy group; quiet on a node that has no partner. */
export function createServerRecoveryManager(
  needs: ServerRecoveryManagerNeeds,
  options: ServerRecoveryManagerOptions,
): Service & ServerRecoveryManager {
  const log = needs.log.child({ subsystem: 'server-recovery-manager' });
  const gauge = needs.metrics.gauge('SRMState', 'High availability state of the node, 0 to 12');
  gauge.set(NOT_ENABLED.state);
  const inTurn = createTurns();
  const start = randomUUID();
  let life: NodeLife | undefined;
  /** Outlives a stop: a node with a partner must not serve whom it may have lost meanwhile. */
  let hasPartner = true;

  const running = (): NodeLife => {
    if (!life) throw new ImpError('unavailable', 'ha.stopped', 'the Server Recovery Manager is not running');
    return life;
  };

  return {
    get own() {
      return life?.own ?? NOT_ENABLED;
    },
    administration: {
      ...createAdministration({
        ids: needs.ids,
        isStoreShared: needs.isStoreShared,
        transport: needs.transport,
        running,
      }),
      get state() {
        return STATE_NAMES[(life?.own ?? NOT_ENABLED).state];
      },
      get reason() {
        return (life?.own ?? NOT_ENABLED).reason;
      },
    },
    ownerOf(home) {
      if (!hasPartner) return { node: needs.nodeName, epoch: 0 };
      const { own, partner } = running().topology;
      if (!partner) return { node: needs.nodeName, epoch: 0 };
      if (home !== null && home !== own.id && home !== partner.id) return { node: needs.nodeName, epoch: 0 };
      const epoch = running().epochOf(home ?? own.id);
      if (epoch === undefined && home !== null) throw notTheOwner(needs.nodeName);
      return { node: needs.nodeName, epoch: epoch ?? 0 };
    },

    async start(scope) {
      const topology = await readTopology(needs.ids, needs.nodeName);
      if (!topology) {
        throw new ImpError('unavailable', 'ha.no-topology', `${needs.nodeName} does not stand in the topology yet`);
      }
      hasPartner = topology.partner !== null;
      const made = await createNodeLife(
        { ...needs, services: needs.services(), log, start, gauge: (state) => gauge.set(state), inTurn },
        options,
        topology,
        scope,
      );
      life = made;
      scope.defer(() => {
        life = undefined;
        gauge.set(HA_STATE.unknown);
      });
      scope.run((signal) =>
        needs.changeFeed.follow(
          { consumer: 'server-recovery-manager', tables: TABLES, start: 'snapshot', signal },
          async (batch) => {
            const isNews =
              batch.kind === 'snapshot' ||
              batch.changes.some(
                ({ op, changed }) => op !== 'u' || [...changed].some((each) => !OWN_COLUMNS.has(each)),
              );
            if (!isNews) return '';
            const read = await readTopology(needs.ids, needs.nodeName);
            if (!read) throw new ImpError('unavailable', 'ha.no-topology', `${needs.nodeName} is not in the topology`);
            hasPartner = read.partner !== null;
            await made.arrange(read);
            return made.sentence();
          },
        ),
      );
    },
    detail: () => life?.sentence() ?? 'stopped',
  };
}
