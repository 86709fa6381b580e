import type { AxlClient } from '../../axl/client.ts';
import type { CredentialCheck } from '../../axl/credential-check.ts';
import type { ChangeFeed, FeedBatch } from '../../ids/change-feed.ts';
import type { WatchedTable } from '../../ids/database.ts';
import type { Ids } from '../../ids/ids.ts';
import type { Alarms } from '../../platform/alarms.ts';
import type { Clock } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';
import type { HttpsListener, TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { SecretBox } from '../../platform/secret-box.ts';
import type { Scope, Service, ServiceDescriptor } from '../../platform/service.ts';
import type { Compose } from '../../presence/publication.ts';
import { createAdministrators } from '../../sign-in/administrators.ts';
import type { LoginThrottle } from '../../sign-in/login-throttle.ts';
import type { PresenceDatastore } from '../presence-datastore/presence-datastore.ts';
import type { RouteDatastore } from '../route-datastore/route-datastore.ts';
import { ensureClusterId } from './cluster-id.ts';
import { createIcsaCounters } from './counters.ts';
import { startDndPropagation } from './dnd/dnd-propagation.ts';
import { BASE_PATH, ICSA_SERVICE, ICSA_TITLE } from './names.ts';
import { type InterclusterOptions, optionsSchema } from './options.ts';
import { createConflicts } from './peers/conflicts.ts';
import { createPeerAlarms } from './peers/peer-alarms.ts';
import { createPeerStore, type NewPeer } from './peers/peer-store.ts';
import { createPeers, type PeerOverview, type Peers } from './peers/peers.ts';
import type { SyncAsked } from './peers/sync-peer.ts';
import { createPeerClient } from './reading/peer-client.ts';
import { createInterclusterApp } from './serving/app.ts';
import { loadInterfaceDocuments } from './serving/documents.ts';
import type { OperationNeeds } from './serving/operations.ts';
import type { OwnPorts } from './serving/own-cluster.ts';
import { createOwnUsers, TOPOLOGY_TABLES, USER_TABLE } from './serving/own-users.ts';

export type { InterclusterOptions } from './options.ts';
export type { NewPeer } from './peers/peer-store.ts';
export type { PeerOverview } from './peers/peers.ts';
export { createInterclusterBusyApp } from './serving/app.ts';
export type { OwnPorts } from './serving/own-cluster.ts';

/**
 * DND propagation to Cisco Unified Communications Manager, and syncs end user information between IM and Presence
 * clusters for intercluster SIP routing (docs/services/intercluster-sync-agent.md).
 */
export const interclusterSyncAgentDescriptor: ServiceDescriptor<InterclusterOptions> = {
  name: ICSA_SERVICE,
  title: ICSA_TITLE,
  purpose:
    'Syncs end user information between IM and Presence clusters for intercluster SIP routing, and carries DND to CUCM.',
  kind: 'network',
  isXcp: false,
  dependsOn: ['route-datastore', 'presence-datastore'],
  waitsForDataMonitor: true,
  conformance: [],
  options: optionsSchema,
};

export interface InterclusterSyncAgentNeeds {
  readonly listener: HttpsListener;
  readonly ids: Ids;
  readonly changeFeed: ChangeFeed;
  readonly axl: Pick<AxlClient, 'call'>;
  readonly presenceDatastore: PresenceDatastore;
  readonly routeDatastore: RouteDatastore;
  readonly compose: Compose;
  readonly credentials: CredentialCheck;
  readonly throttle: LoginThrottle;
  readonly secrets: SecretBox;
  /** Runs a transaction that writes much, so that its end does not hold up the process. */
  readonly atLength: <T>(transaction: () => Promise<T>) => Promise<T>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
  readonly node: {
    readonly name: string;
    readonly domain: string;
    readonly version: string;
    readonly isPublisher: boolean;
  };
  /** Host name or address under which peers reach the node. */
  readonly host: string;
  readonly ports: () => Omit<OwnPorts, 'https'>;
  readonly tls: { readonly node: TlsMaterial; readonly ca: string };
  /** A sync with CUCM is complete, of this run or of an earlier one. */
  readonly isSyncComplete: () => boolean;
  readonly random: () => number;
}

/** What administrators do with peers. Rejects with `peer.stopped` while the service is not running. */
export interface InterclusterSyncAgent extends Service {
  peers(): Promise<readonly PeerOverview[]>;
  /** Adds a peer and waits a moment for its first sync. @throws ImpError `peer.too-many` */
  addPeer(peer: NewPeer): Promise<PeerOverview>;
  /** Removes a peer with all of its users. @throws ImpError `peer.unknown` */
  removePeer(wanted: string): Promise<PeerOverview>;
  /** @param wanted id, URL, cluster id or name; null: all. @throws ImpError `peer.unknown` */
  syncPeers(wanted: string | null, asked: Omit<SyncAsked, 'isDelta'>): Promise<readonly PeerOverview[]>;
}

const FOLLOWED = [
  USER_TABLE,
  'applicationuser',
  'interclusterpeer',
  ...TOPOLOGY_TABLES,
] as const satisfies WatchedTable[];
/** Of those, tables that peers are told of. */
const TOLD: ReadonlySet<WatchedTable> = new Set([USER_TABLE, ...TOPOLOGY_TABLES]);
const WATCH_MS = 60_000;

export function createInterclusterSyncAgent(
  needs: InterclusterSyncAgentNeeds,
  options: InterclusterOptions,
): InterclusterSyncAgent {
  const { ids, changeFeed, clock } = needs;
  const log = needs.log.child({ subsystem: ICSA_SERVICE });
  const counters = createIcsaCounters(needs.metrics);
  const alarms = createPeerAlarms(needs.alarms);
  const conflicts = createConflicts({ ids, alarms, counters });
  const store = createPeerStore(ids, needs.secrets, clock);
  let peers: Peers | undefined;

  const running = (): Peers => {
    if (!peers) throw new ImpError('unavailable', 'peer.stopped', `${ICSA_TITLE} is not running`);
    return peers;
  };
  const domain = async (): Promise<string> =>
    (await ids.read.selectFrom('imdomain').select('domain').where('isdefault', '=', 1).executeTakeFirst())?.domain ??
    needs.node.domain;

  const makePeers = (clusterId: string): Peers =>
    createPeers({
      ids,
      store,
      alarms,
      conflicts,
      counters,
      clock,
      log,
      options,
      self: { clusterId, domain },
      atLength: needs.atLength,
      pause: () => new Promise((resolve) => setImmediate(resolve)),
      random: needs.random,
      obstacle: () => (needs.isSyncComplete() ? null : 'waits for the first sync with CUCM'),
      onSettled: (userids) => conflicts.judge(userids),
      connect: (peer) =>
        createPeerClient({
          url: peer.url,
          user: peer.axluser,
          password: store.passwordOf(peer),
          ca: peer.ca,
          silenceMs: options.silenceSeconds * 1000,
          callMs: options.callSeconds * 1000,
          clock,
        }),
    });

  /** What the administrator changed, who is shown, and what peers are told. */
  const hearOwn = async (batch: FeedBatch, active: Peers): Promise<string> => {
    const isChanged = (tables: (table: WatchedTable) => boolean): boolean =>
      batch.kind === 'snapshot' || batch.changes.some(({ table }) => tables(table));
    if (isChanged((table) => table === 'interclusterpeer')) await active.reload();
    if (isChanged((table) => table === 'enduser' || table === 'applicationuser')) await conflicts.apply(batch);
    const { peers: count } = active.count();
    if (count === 0 || !isChanged((table) => TOLD.has(table))) return '';
    active.tellAll(batch.throughSeq);
    return `tells ${count} ${count === 1 ? 'peer' : 'peers'}`;
  };

  const serve = async (scope: Scope, clusterId: string, active: Peers): Promise<void> => {
    const operations: OperationNeeds = {
      ids,
      users: createOwnUsers(ids, changeFeed),
      sequence: () => changeFeed.lastSeq(),
      self: {
        clusterId,
        nodeName: needs.node.name,
        domain: needs.node.domain,
        version: needs.node.version,
        ports: () => ({ ...needs.ports(), https: needs.listener.port }),
        certificates: () => ({ authority: needs.tls.ca, node: needs.tls.node.cert }),
      },
      isReady: needs.isSyncComplete,
      onNotified: (caller, sequence) => active.hear(caller, sequence),
    };
    const mounted = needs.listener.mount(
      BASE_PATH,
      createInterclusterApp({
        operations,
        accounts: createAdministrators({
          ids,
          credentials: needs.credentials,
          throttle: needs.throttle,
          groups: { read: options.groups, operate: [] },
        }),
        documents: await loadInterfaceDocuments(),
        counters,
        clock,
        log,
        origin: () => ({ host: needs.host, port: needs.listener.port }),
        maxConcurrentRequests: options.maxConcurrentRequests,
      }),
    );
    scope.defer(() => mounted[Symbol.dispose]());
  };

  return {
    peers: async () => await running().list(),
    addPeer: async (peer) => await running().add(peer),
    removePeer: async (wanted) => await running().remove(wanted),
    syncPeers: async (wanted, asked) => await running().sync(wanted, asked),

    async start(scope) {
      const clusterId = await ensureClusterId(ids);
      const active = makePeers(clusterId);
      await serve(scope, clusterId, active);
      scope.defer(() => alarms.clear());
      if (options.doNotDisturb) startDndPropagation({ ...needs, alarms, counters, log }, scope);
      // Peers are configured, and synced, on the publisher: the other nodes have what it writes.
      if (!needs.node.isPublisher) return;
      await conflicts.judge(null);
      await active.begin(scope);
      peers = active;
      scope.defer(() => {
        peers = undefined;
      });
      scope.run((signal) =>
        changeFeed.follow(
          { consumer: ICSA_SERVICE, tables: FOLLOWED, start: 'resume', ignoreOrigins: ['peer:*'], signal },
          (batch) => hearOwn(batch, active),
        ),
      );
      // Whoever waits for us to come back hears that we have.
      active.tellAll(await changeFeed.lastSeq());
      scope.every(WATCH_MS, () => active.watch());
      scope.every(options.probeSeconds * 1000, () => active.probeAll(scope.signal));
    },
    detail() {
      if (!needs.node.isPublisher) return 'answers peers; the publisher syncs with them';
      if (!peers) return 'closed';
      const { peers: count, synced } = peers.count();
      if (count === 0) return 'no peers';
      return `${synced} of ${count} ${count === 1 ? 'peer' : 'peers'} synced`;
    },
  };
}
