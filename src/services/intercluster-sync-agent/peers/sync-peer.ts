import type { Ids } from '../../../ids/ids.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Log } from '../../../platform/log.ts';
import { PeerError } from '../errors.ts';
import { ADDRESS_SCHEME, originOf } from '../names.ts';
import type { InterclusterOptions } from '../options.ts';
import type { PeerChanges, PeerCluster } from '../reading/answers.ts';
import type { PeerClient } from '../reading/peer-client.ts';
import { applyCertificates, applyTopology } from './apply-topology.ts';
import { applyChanges, countUsers, endComparison, storeUsers } from './apply-users.ts';
import type { Peer } from './peer-store.ts';

export interface SyncPeerNeeds {
  readonly ids: Ids;
  readonly client: PeerClient;
  readonly self: { readonly clusterId: string; readonly domain: () => Promise<string> };
  /** Runs a transaction that writes much, so that its end does not hold up the process. */
  readonly atLength: <T>(transaction: () => Promise<T>) => Promise<T>;
  readonly pause: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: Pick<InterclusterOptions, 'certificateSync' | 'fullCompareHours' | 'pageRows'>;
  readonly progress: (stage: string, done: number, total: number | null) => void;
  /** It was settled anew who is shown of those with these user ids, in lower case; null: of many. */
  readonly onSettled: (userids: ReadonlySet<string> | null) => Promise<void>;
}

export interface SyncAsked {
  /** Only what changed in users, unless it turns out that more is needed. */
  readonly isDelta: boolean;
  /** Compare all users. */
  readonly isFull: boolean;
  readonly acceptDeletions: boolean;
}

export interface SyncedPeer {
  readonly peer: Peer;
  /** Users that it has. */
  readonly users: number;
  readonly kind: 'changes' | 'comparison';
}

/** A peer that returns less than this part of the known users is not believed. */
const BELIEVED_PART = 0.5;
/** A peer that changes while it is read is followed again. */
const TRIES = 4;

/**
 * One sync with a peer. Every stage is a transaction: one that is cut off leaves what the stages before it brought, and
 * removes nobody.
 * @throws PeerError; IdsError
 */
export async function syncPeer(
  needs: SyncPeerNeeds,
  peer: Peer,
  asked: SyncAsked,
  signal: AbortSignal,
): Promise<SyncedPeer> {
  const { ids, clock, options } = needs;
  const status = await statusOf(ids, peer.id);
  let place = status.clusterid === peer.clusterid ? status.sequence : null;
  if (asked.isDelta && place !== null) {
    const followed = await follow(needs, peer, place, place, signal);
    if (followed !== 'lost' && followed.isTopologyCurrent) return { peer, users: followed.users, kind: 'changes' };
    place = followed === 'lost' ? null : followed.place;
  }
  let { cluster, known } = await meet(needs, peer, signal);
  const comparedMs = status.fullcompareat === null ? Number.POSITIVE_INFINITY : clock.now() - status.fullcompareat;
  const isDue = asked.isFull || comparedMs >= options.fullCompareHours * 3_600_000;
  let kind: SyncedPeer['kind'] = 'changes';
  if (isDue || cluster.id !== status.clusterid) place = null;
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (place === null) {
      await compare(needs, known, cluster, asked.acceptDeletions, signal);
      place = cluster.sequence;
      kind = 'comparison';
    }
    const followed = await follow(needs, known, place, cluster.sequence, signal);
    if (followed !== 'lost' && followed.isTopologyCurrent) return { peer: known, users: followed.users, kind };
    place = followed === 'lost' ? null : followed.place;
    ({ cluster, known } = await meet(needs, peer, signal));
  }
  throw new PeerError('timeout', `${cluster.publisher} changes faster than it can be read`);
}

async function statusOf(ids: Ids, peerId: number) {
  return await ids.read
    .selectFrom('interclusterpeerstatus')
    .selectAll()
    .where('peerid', '=', peerId)
    .executeTakeFirstOrThrow();
}

/** @throws PeerError `itself`, `duplicate`, `domain-conflict` */
async function requireFit({ ids, self }: SyncPeerNeeds, peer: Peer, cluster: PeerCluster): Promise<void> {
  if (cluster.id === self.clusterId) throw new PeerError('itself', `${peer.url} is this cluster itself`);
  const other = await ids.read
    .selectFrom('interclusterpeer')
    .select(['id', 'url'])
    .where('clusterid', '=', cluster.id)
    .where('id', '<', peer.id)
    .executeTakeFirst();
  if (other) {
    throw new PeerError(
      'duplicate',
      `${cluster.publisher} belongs to the cluster of peer ${other.id} (${other.url}): remove one of the two`,
    );
  }
  const domain = await self.domain();
  if (cluster.domain.toLowerCase() !== domain.toLowerCase()) {
    throw new PeerError(
      'domain-conflict',
      `${cluster.publisher} has the domain ${cluster.domain}, and here it is ${domain}`,
    );
  }
  if (cluster.addressScheme !== ADDRESS_SCHEME) {
    throw new PeerError(
      'domain-conflict',
      `${cluster.publisher} makes addresses by ${cluster.addressScheme}, and here it is ${ADDRESS_SCHEME}`,
    );
  }
}

/** Reads and writes who the peer is, and its topology. */
async function meet(
  needs: SyncPeerNeeds,
  peer: Peer,
  signal: AbortSignal,
): Promise<{ readonly cluster: PeerCluster; readonly known: Peer }> {
  const { ids, client, clock, options } = needs;
  const cluster = await client.getCluster(options.certificateSync, signal);
  needs.progress('topology', 0, null);
  await requireFit(needs, peer, cluster);
  const known = await ids.transaction(originOf(peer.id), async (trx) => {
    const said = { clusterid: cluster.id, name: cluster.publisher, version: cluster.version };
    const row = await trx
      .selectFrom('interclusterpeer')
      .selectAll()
      .where('id', '=', peer.id)
      .executeTakeFirstOrThrow(() => new PeerError('internal', `peer ${peer.id} has been removed`));
    const fresh = { ...said, firstseenat: row.firstseenat ?? clock.now() };
    await trx.updateTable('interclusterpeer').set(fresh).where('id', '=', peer.id).execute();
    await applyTopology(trx, peer.id, cluster);
    return { ...row, ...fresh };
  });
  if (options.certificateSync) {
    await ids.transaction(originOf(peer.id), (trx) => applyCertificates(trx, peer.id, cluster));
  }
  return { cluster, known };
}

interface Followed {
  readonly place: number;
  readonly users: number;
  /** Whether the topology that was read is the one at the place. */
  readonly isTopologyCurrent: boolean;
}

/**
 * Reads what changed after a place, until there is no more. `lost`: the place is, or what is here is not what is there.
 * @param topologyAt place at which the topology was read
 */
async function follow(
  needs: SyncPeerNeeds,
  peer: Peer,
  from: number,
  topologyAt: number,
  signal: AbortSignal,
): Promise<Followed | 'lost'> {
  const { ids, client, clock, log, options } = needs;
  let place = from;
  let isTopologyChanged = false;
  for (let done = 0; ; ) {
    let changes: PeerChanges;
    try {
      changes = await client.listChanges(place, options.pageRows, signal);
    } catch (error) {
      if (!(error instanceof PeerError) || error.reason !== 'place-lost') throw error;
      log.info({ peer: peer.id, place }, 'the place in the change log of a peer is lost');
      return 'lost';
    }
    isTopologyChanged ||= changes.isTopologyChanged;
    place = changes.through;
    const isTopologyCurrent = !isTopologyChanged || place <= topologyAt;
    done += changes.users.length + changes.removed.length;
    if (changes.isMore) needs.progress('changes', done, null);
    const { users, touched } = await ids.transaction(originOf(peer.id), async (trx) => {
      const settled = await applyChanges(trx, peer.id, changes);
      const count = changes.isMore ? null : await countUsers(trx, peer.id);
      let status = trx.updateTable('interclusterpeerstatus').where('peerid', '=', peer.id).set({ peerid: peer.id });
      // With the topology still to be read the place stays, so that a crash does not forget it.
      if (isTopologyCurrent) status = status.set({ sequence: place });
      if (count !== null) status = status.set({ users: count, lastgoodat: clock.now() });
      await status.execute();
      return { users: count, touched: settled };
    });
    if (touched.size > 0) await needs.onSettled(touched);
    if (users === null) continue;
    if (changes.userCount !== null && changes.userCount !== users) {
      log.warn({ peer: peer.id, here: users, there: changes.userCount }, 'users of a peer are compared: counts differ');
      return 'lost';
    }
    return { place, users, isTopologyCurrent };
  }
}

/**
 * Reads all users and makes what is here equal. The place that is stored is the one before the first page: what changes
 * meanwhile is followed afterwards.
 */
async function compare(
  needs: SyncPeerNeeds,
  peer: Peer,
  cluster: PeerCluster,
  acceptDeletions: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { ids, client, clock, log, options } = needs;
  const began = clock.monotonic();
  const known = await countUsers(ids.read, peer.id);
  const seen = new Set<string>();
  needs.progress('users', 0, cluster.users);
  for (let after: string | null = ''; after !== null; ) {
    const page: Awaited<ReturnType<PeerClient['listUsers']>> = await client.listUsers(after, options.pageRows, signal);
    await ids.transaction(originOf(peer.id), (trx) => storeUsers(trx, peer.id, page.users));
    for (const { id } of page.users) seen.add(id);
    needs.progress('users', seen.size, cluster.users);
    after = page.next;
  }
  const isWithheld = !acceptDeletions && seen.size < known * BELIEVED_PART;
  await needs.atLength(() =>
    ids.transaction(originOf(peer.id), async (trx) => {
      await endComparison(trx, peer.id, seen, isWithheld, needs.pause);
      const place = { clusterid: cluster.id, sequence: isWithheld ? null : cluster.sequence };
      const users = await countUsers(trx, peer.id);
      await trx
        .updateTable('interclusterpeerstatus')
        .set({ ...place, users, fullcompareat: clock.now(), ...(isWithheld ? {} : { lastgoodat: clock.now() }) })
        .where('peerid', '=', peer.id)
        .execute();
    }),
  );
  await needs.onSettled(null);
  log.info({ peer: peer.id, users: seen.size, ms: Math.round(clock.monotonic() - began) }, 'users of a peer compared');
  if (isWithheld) {
    throw new PeerError(
      'withheld',
      `${cluster.publisher} returned ${seen.size} of ${known} known users, so none was removed; if that is right, run: ` +
        `imp peer sync ${peer.id} --accept-deletions`,
    );
  }
}
