import { sleep } from '../../../platform/clock.ts';
import { describeError } from '../../../platform/errors.ts';
import type { Log } from '../../../platform/log.ts';
import type { IcsaCounters } from '../counters.ts';
import { PeerError, type PeerReason } from '../errors.ts';
import type { InterclusterOptions } from '../options.ts';
import type { PeerClient } from '../reading/peer-client.ts';
import type { PeerAlarms } from './peer-alarms.ts';
import { isLegalStep, type PeerState, peerSentence } from './peer-state.ts';
import type { Peer } from './peer-store.ts';
import { type SyncAsked, type SyncPeerNeeds, syncPeer } from './sync-peer.ts';
import { createTeller } from './teller.ts';

export interface PeerWorkerNeeds extends Omit<SyncPeerNeeds, 'client' | 'progress' | 'options'> {
  readonly options: InterclusterOptions;
  readonly alarms: PeerAlarms;
  readonly counters: IcsaCounters;
  readonly connect: (peer: Peer) => PeerClient;
  /** Why nothing is asked of peers now; null when all is well. */
  readonly obstacle: () => string | null;
  readonly random: () => number;
}

export interface PeerWorker {
  readonly peer: Peer;
  readonly state: PeerState;
  readonly lastGoodAt: number | null;
  /** How the first attempt went; resolves when it ends without one, too. */
  readonly firstOutcome: Promise<PeerState>;
  /** Syncs now. Resolves with how it went, and does not reject. */
  sync(asked: Omit<SyncAsked, 'isDelta'>): Promise<PeerState>;
  /** The peer says that it has something new. */
  hear(sequence: number): void;
  /** It may be there again: one that waits for its next try is tried now. */
  poke(): void;
  /** Tells it that there is something new here. */
  tell(sequence: number): void;
  /** Raises the alarm of a peer that has been without a good sync for too long; begins anew what is stuck, if wished. */
  watch(): void;
  run(signal: AbortSignal): Promise<void>;
}

type Request = Omit<SyncAsked, 'isDelta'> & { readonly resolve: (state: PeerState) => void };

/** The first ones are soon: most failures are a peer that starts anew. */
const QUICK_RETRY_MS = [5_000, 30_000] as const;
/** Wrong passwords in a row after which it is not sent again: CUCM locks accounts. */
const MOST_REFUSALS = 3;
/** Failures in a row after which connections are made anew. */
const FAILURES_BEFORE_RECONNECT = 4;
/** Between two answers to what a peer tells: its changes come in bursts. */
const HEAR_PAUSE_MS = 250;
const CONFLICTS: ReadonlySet<PeerReason> = new Set(['itself', 'duplicate', 'domain-conflict', 'withheld']);

export function createPeerWorker(needs: PeerWorkerNeeds, given: Peer, lastGoodAt: number | null): PeerWorker {
  const { clock, options, alarms, counters } = needs;
  const log: Log = needs.log.child({ peer: given.id });
  const label = String(given.id);
  const requests: Request[] = [];
  let peer = given;
  let state: PeerState = { name: 'Configured' };
  let client: PeerClient | undefined;
  let isHeard = false;
  let isPoked = false;
  let failures = 0;
  let refusals = 0;
  let goodAt = lastGoodAt;
  const bornAt = clock.now();
  let dueAt = clock.monotonic();
  let attempt: AbortController | undefined;
  let wake: () => void = () => undefined;
  let isTried: (state: PeerState) => void = () => undefined;
  const firstOutcome = new Promise<PeerState>((resolve) => {
    isTried = resolve;
  });

  const enter = (next: PeerState): void => {
    if (!isLegalStep(state.name, next.name)) log.error({ from: state.name, to: next.name }, 'unforeseen state');
    if (state.name !== next.name) log.debug({ from: state.name, to: next.name }, 'peer state changed');
    state = next;
  };
  const connected = (): PeerClient => {
    client ??= needs.connect(peer);
    return client;
  };
  const disconnect = async (): Promise<void> => {
    const old = client;
    client = undefined;
    await old?.[Symbol.asyncDispose]();
  };
  const teller = createTeller({
    clock,
    tell: (sequence) => connected().notifyChange(needs.self.clusterId, sequence),
    onOutcome(failure) {
      counters.notifications.labels(label, failure === null ? 'ok' : 'failed').inc();
      if (failure === null) alarms.unset('InterClusterSyncAgentFailedToSendCN', peer.id);
      else alarms.set('InterClusterSyncAgentFailedToSendCN', peer.id, `peer ${peer.id}: ${failure}`);
    },
  });

  /** How long to wait after a failure; null when only a person can help. */
  const pauseAfter = (reason: PeerReason): number | null => {
    if (reason === 'denied' && refusals >= MOST_REFUSALS) return null;
    if (CONFLICTS.has(reason)) return options.conflictRetryMinutes * 60_000;
    const usual = options.retryMinutes * 60_000;
    return reason === 'denied' ? usual : Math.min(QUICK_RETRY_MS[failures - 1] ?? usual, usual);
  };

  const fail = async (error: unknown): Promise<void> => {
    const reason = error instanceof PeerError ? error.reason : 'internal';
    const message = describeError(error);
    failures += 1;
    refusals = reason === 'denied' ? refusals + 1 : 0;
    const pause = pauseAfter(reason);
    dueAt = pause === null ? Number.POSITIVE_INFINITY : clock.monotonic() + pause;
    enter({ name: 'Failed', reason, message, nextTryAt: pause === null ? null : clock.now() + pause });
    counters.syncs.labels(label, reason).inc();
    alarms.failed(peer.id, reason, `peer ${peer.id} (${peer.name || peer.url}): ${message}`);
    log.warn({ reason, err: message, failures }, 'a peer could not be synced');
    if (failures % FAILURES_BEFORE_RECONNECT === 0) await disconnect();
  };

  const turn = async (asked: SyncAsked, signal: AbortSignal): Promise<void> => {
    const obstacle = needs.obstacle();
    if (obstacle !== null) {
      enter({ name: 'Paused', message: obstacle });
      dueAt = clock.monotonic() + (QUICK_RETRY_MS[0] as number);
      return;
    }
    attempt = new AbortController();
    try {
      enter({ name: 'Connecting' });
      const synced = await syncPeer(
        {
          ...needs,
          client: connected(),
          progress: (stage, done, total) => enter({ name: 'Syncing', stage, done, total }),
        },
        peer,
        asked,
        AbortSignal.any([signal, attempt.signal]),
      );
      peer = synced.peer;
      goodAt = clock.now();
      failures = 0;
      refusals = 0;
      dueAt = clock.monotonic() + options.periodMinutes * 60_000 * (0.9 + 0.2 * needs.random());
      enter({ name: 'Synced', at: goodAt, users: synced.users });
      counters.syncs.labels(label, synced.kind).inc();
      counters.users.labels(label).set(synced.users);
      counters.lastGood.labels(label).set(goodAt / 1000);
      alarms.recovered(peer.id, `peer ${peer.id} (${peer.name}) is synced again`);
      alarms.unset('InterClusterSyncAgentPeerPeriodicSyncingFailure', peer.id);
    } catch (error) {
      if (signal.aborted) throw error;
      await fail(error);
    } finally {
      attempt = undefined;
    }
  };

  /** What the next turn is for; undefined while there is nothing to do. */
  const due = (): { readonly asked: SyncAsked; readonly requests: readonly Request[] } | undefined => {
    if (requests.length === 0 && !isHeard && !isPoked && clock.monotonic() < dueAt) return undefined;
    const taken = requests.splice(0);
    const isDelta = taken.length === 0 && isHeard && state.name === 'Synced' && clock.monotonic() < dueAt;
    isHeard = false;
    isPoked = false;
    return {
      requests: taken,
      asked: {
        isDelta,
        isFull: taken.some((each) => each.isFull),
        acceptDeletions: taken.some((each) => each.acceptDeletions),
      },
    };
  };

  const untilWoken = async (signal: AbortSignal): Promise<void> => {
    const waiting = new AbortController();
    const ms = dueAt - clock.monotonic();
    await new Promise<void>((resolve) => {
      wake = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true, signal: waiting.signal });
      if (Number.isFinite(ms)) sleep(clock, Math.max(0, ms), waiting.signal).then(resolve, () => undefined);
    });
    waiting.abort();
  };

  const work = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const next = due();
      if (!next) {
        await untilWoken(signal);
        continue;
      }
      try {
        await turn(next.asked, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        for (const request of next.requests) request.resolve(state);
        isTried(state);
      }
      if (next.asked.isDelta) await sleep(clock, HEAR_PAUSE_MS, signal).catch(() => undefined);
    }
  };

  return {
    get peer() {
      return peer;
    },
    get state() {
      return state;
    },
    get lastGoodAt() {
      return goodAt;
    },
    firstOutcome,
    sync: (asked) =>
      new Promise((resolve) => {
        // Somebody asks: a password that was refused may be right by now.
        refusals = 0;
        requests.push({ ...asked, resolve });
        wake();
      }),
    hear(_sequence) {
      if (state.name === 'Failed' && state.nextTryAt === null) return;
      isHeard = true;
      wake();
    },
    poke() {
      if (state.name !== 'Failed' || state.nextTryAt === null) return;
      isPoked = true;
      wake();
    },
    tell: (sequence) => teller.tell(sequence),
    watch() {
      const withoutMs = clock.now() - (goodAt ?? bornAt);
      if (withoutMs < options.stuckMinutes * 60_000) return;
      const last = goodAt === null ? 'never' : new Date(goodAt).toISOString();
      alarms.set(
        'InterClusterSyncAgentPeerPeriodicSyncingFailure',
        peer.id,
        `peer ${peer.id} (${peer.name || peer.url}) has not been synced for ${Math.floor(withoutMs / 60_000)} minutes, ` +
          `last good sync: ${last}; ${peerSentence(state)}`,
      );
      if (options.autoRecovery) attempt?.abort(new PeerError('timeout', 'the sync was stuck, and is begun anew'));
    },
    async run(signal) {
      try {
        await Promise.all([work(signal), teller.run(signal)]);
      } finally {
        for (const request of requests.splice(0)) request.resolve(state);
        isTried(state);
        await disconnect();
      }
    },
  };
}
