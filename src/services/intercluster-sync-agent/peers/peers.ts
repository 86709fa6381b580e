import { sleep } from '../../../platform/clock.ts';
import { ImpError } from '../../../platform/errors.ts';
import type { Scope } from '../../../platform/service.ts';
import type { PeerReason } from '../errors.ts';
import type { Conflicts } from './conflicts.ts';
import { peerSentence } from './peer-state.ts';
import type { NewPeer, Peer, PeerStore } from './peer-store.ts';
import { createPeerWorker, type PeerWorker, type PeerWorkerNeeds } from './peer-worker.ts';
import { probe } from './reachability.ts';
import type { SyncAsked } from './sync-peer.ts';

/** What an administrator sees of a peer. Times are milliseconds since the epoch. */
export interface PeerOverview {
  readonly id: number;
  readonly url: string;
  readonly user: string;
  /** Name of its publisher, its version and cluster id; '' until it was reached once. */
  readonly name: string;
  readonly version: string;
  readonly clusterId: string;
  readonly state: string;
  /** Of a failure; null otherwise. */
  readonly reason: PeerReason | null;
  readonly sentence: string;
  readonly users: number;
  /** Of those, users who are not used, as somebody else has their user id. */
  readonly hidden: number;
  readonly nodes: number;
  /** Names of nodes that do not answer. */
  readonly nodesDown: readonly string[];
  readonly lastGoodAt: number | null;
  readonly nextTryAt: number | null;
  /** Its users are kept, and may not be true any more. */
  readonly isStale: boolean;
  readonly sipTransport: string;
}

export interface PeersNeeds extends PeerWorkerNeeds {
  readonly store: PeerStore;
  readonly conflicts: Conflicts;
}

/** All peers, each with a worker of its own. */
export interface Peers {
  list(): Promise<readonly PeerOverview[]>;
  add(peer: NewPeer): Promise<PeerOverview>;
  remove(wanted: string): Promise<PeerOverview>;
  /** Syncs one peer, or all of them. */
  sync(wanted: string | null, asked: Omit<SyncAsked, 'isDelta'>): Promise<readonly PeerOverview[]>;
  /** Starts workers of new peers, stops those of removed ones, and begins those anew that were given other credentials. */
  reload(): Promise<void>;
  hear(clusterId: string, sequence: number): void;
  tellAll(sequence: number): void;
  watch(): void;
  probeAll(signal: AbortSignal): Promise<void>;
  count(): { readonly peers: number; readonly synced: number };
  /** Begins with the peers there are; lives as long as the scope. */
  begin(scope: Scope): Promise<void>;
}

interface Running {
  readonly worker: PeerWorker;
  readonly given: Peer;
  readonly stop: () => Promise<void>;
}

const USUAL_HTTPS_PORT = 8443;
/** How long adding a peer waits to see how the first sync goes. */
const FIRST_SYNC_MS = 15_000;

export function createPeers(needs: PeersNeeds): Peers {
  const { store, ids, clock } = needs;
  const running = new Map<number, Running>();
  const down = new Map<number, readonly string[]>();
  let current: Scope | undefined;

  const requireRunning = (): Scope => {
    if (!current || current.signal.aborted) {
      throw new ImpError('unavailable', 'peer.stopped', 'the Intercluster Sync Agent is not running');
    }
    return current;
  };

  const start = async (peer: Peer): Promise<void> => {
    const scope = requireRunning();
    const status = await ids.read
      .selectFrom('interclusterpeerstatus')
      .select('lastgoodat')
      .where('peerid', '=', peer.id)
      .executeTakeFirst();
    const own = new AbortController();
    const worker = createPeerWorker(needs, peer, status?.lastgoodat ?? null);
    const life = new Promise<void>((resolve) => {
      scope.run((signal) => worker.run(AbortSignal.any([signal, own.signal])).finally(resolve));
    });
    running.set(peer.id, {
      worker,
      given: peer,
      async stop() {
        own.abort(new Error('the peer is stopped'));
        await life;
      },
    });
  };

  const stop = async (id: number): Promise<void> => {
    const known = running.get(id);
    running.delete(id);
    down.delete(id);
    await known?.stop();
    needs.alarms.forget(id);
  };

  const overview = async (peer: Peer): Promise<PeerOverview> => {
    const [status, nodes] = await Promise.all([
      ids.read.selectFrom('interclusterpeerstatus').selectAll().where('peerid', '=', peer.id).executeTakeFirst(),
      ids.read.selectFrom('interclusternode').select('name').where('peerid', '=', peer.id).execute(),
    ]);
    const state = running.get(peer.id)?.worker.state ?? ({ name: 'Configured' } as const);
    const lastGoodAt = running.get(peer.id)?.worker.lastGoodAt ?? status?.lastgoodat ?? null;
    return {
      id: peer.id,
      url: peer.url,
      user: peer.axluser,
      name: peer.name,
      version: peer.version,
      clusterId: peer.clusterid,
      state: state.name,
      reason: state.name === 'Failed' ? state.reason : null,
      sentence: peerSentence(state),
      users: status?.users ?? 0,
      hidden: needs.conflicts.hiddenOf(peer.id),
      nodes: nodes.length,
      nodesDown: down.get(peer.id) ?? [],
      lastGoodAt,
      nextTryAt: state.name === 'Failed' ? state.nextTryAt : null,
      isStale: lastGoodAt !== null && clock.now() - lastGoodAt > needs.options.staleDays * 86_400_000,
      sipTransport: peer.siptransport,
    };
  };

  const syncOne = async (peer: Peer, asked: Omit<SyncAsked, 'isDelta'>): Promise<PeerOverview> => {
    await running.get(peer.id)?.worker.sync(asked);
    // Its row says who it is by now.
    return await overview(await store.find(String(peer.id)));
  };

  /** Runs at one time only, so that a peer never has two workers. */
  let reloading: Promise<void> = Promise.resolve();
  const reload = (): Promise<void> => {
    reloading = reloading.then(async () => {
      const wanted = new Map((await store.list()).map((peer) => [peer.id, peer]));
      for (const id of [...running.keys()]) if (!wanted.has(id)) await stop(id);
      for (const [id, peer] of wanted) {
        const known = running.get(id);
        if (known && isSameAccess(known.given, peer)) continue;
        if (known) await stop(id);
        await start(peer);
      }
    });
    return reloading;
  };

  return {
    list: async () => await Promise.all((await store.list()).map(overview)),
    async add(given) {
      const { signal } = requireRunning();
      const peer = await store.add(given);
      const before = running.get(peer.id)?.worker;
      await reload();
      const worker = running.get(peer.id)?.worker;
      const first = worker === before ? worker?.sync({ isFull: false, acceptDeletions: false }) : worker?.firstOutcome;
      const waited = new AbortController();
      const late = sleep(clock, FIRST_SYNC_MS, AbortSignal.any([signal, waited.signal])).catch(() => undefined);
      await Promise.race([first, late]);
      waited.abort();
      return await overview(await store.find(String(peer.id)));
    },
    async remove(wanted) {
      requireRunning();
      const peer = await store.find(wanted);
      const last = await overview(peer);
      await stop(peer.id);
      await needs.atLength(() => store.remove(peer, needs.pause));
      await needs.conflicts.judge(null);
      return last;
    },
    async sync(wanted, asked) {
      requireRunning();
      const peers = wanted === null ? await store.list() : [await store.find(wanted)];
      return await Promise.all(peers.map((peer) => syncOne(peer, asked)));
    },
    reload,
    hear(clusterId, sequence) {
      const workers = [...running.values()].map(({ worker }) => worker);
      const known = workers.find(({ peer }) => peer.clusterid === clusterId);
      if (known) known.hear(sequence);
      // One that was never reached may be the caller.
      else for (const worker of workers) if (worker.peer.clusterid === '') worker.poke();
    },
    tellAll(sequence) {
      for (const { worker } of running.values()) worker.tell(sequence);
    },
    watch() {
      for (const { worker } of running.values()) worker.watch();
    },
    async probeAll(signal) {
      const nodes = await ids.read.selectFrom('interclusternode').selectAll().execute();
      const ofPeer = Map.groupBy(nodes, ({ peerid }) => peerid);
      await Promise.all(
        [...ofPeer].map(async ([id, members]) => {
          const answers = await Promise.all(
            members.map(async ({ name, address, httpsport }) => ({
              name,
              isThere: await probe(clock, { address, port: httpsport || USUAL_HTTPS_PORT }, signal),
            })),
          );
          const worker = running.get(id)?.worker;
          if (signal.aborted || !worker) return;
          const before = down.get(id) ?? [];
          const now = answers.filter(({ isThere }) => !isThere).map(({ name }) => name);
          down.set(id, now);
          if (now.length === 0) needs.alarms.unset('InterclusterSyncAgentPeerDown', id);
          else {
            const message = `peer ${id}: ${now.join(', ')} ${now.length === 1 ? 'does' : 'do'} not answer`;
            needs.alarms.set('InterclusterSyncAgentPeerDown', id, message);
          }
          if (before.some((name) => !now.includes(name))) worker.poke();
        }),
      );
    },
    count() {
      const states = [...running.values()].map(({ worker }) => worker.state.name);
      return { peers: states.length, synced: states.filter((name) => name === 'Synced').length };
    },
    async begin(scope) {
      current = scope;
      scope.defer(async () => {
        current = undefined;
        await reloading.catch(() => undefined);
        for (const id of [...running.keys()]) await stop(id);
      });
      await reload();
    },
  };
}

/** What a worker was made from; what it learns of the peer is its own business. */
function isSameAccess(a: Peer, b: Peer): boolean {
  return a.url === b.url && a.axluser === b.axluser && a.sealedpassword === b.sealedpassword && a.ca === b.ca;
}
