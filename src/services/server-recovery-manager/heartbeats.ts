import type { Clock } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { Beat, Goodbye, PeerTransport } from './beat.ts';
import type { GroupNode } from './record.ts';

export interface Heard {
  readonly beat: Beat;
  /** On the monotonic clock. */
  readonly at: number;
  /** Milliseconds there and back of the last heartbeat that was answered. */
  readonly roundTripMs: number | null;
}

/** What is known of the other nodes: every heartbeat and every answer to one counts as heard. */
export interface Heartbeats {
  /** Tells a node how we are, and takes its answer; nobody waits for it. One at a time for each node. */
  send(to: GroupNode): void;
  /** @returns false when it is older than what was heard before. */
  take(beat: Beat, roundTripMs?: number): boolean;
  takeGoodbye(goodbye: Goodbye): void;
  last(node: string): Heard | undefined;
  /** Milliseconds since a node was heard, or since this service began to listen. */
  silenceMs(node: string): number;
  /** The node said that its host goes down, or nothing of the host answers. */
  isHostGone(node: string): boolean;
  /** Asks the host of a node whether it is there, once for each silence. */
  probe(node: GroupNode): void;
}

export interface HeartbeatNeeds {
  readonly transport: PeerTransport;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly own: () => Beat;
  /** @param isHostNew the host was started anew since it was heard last */
  readonly onHeard: (beat: Beat, isHostNew: boolean) => void;
  /** Whether anything answers at an address. */
  readonly hostAnswers: (address: string) => Promise<boolean>;
}

interface PeerMemory {
  heard: Heard | undefined;
  isSending: boolean;
  /** Something changed while a heartbeat was under way. */
  isOwed: boolean;
  hasSaidGoodbye: boolean;
  host: 'unknown' | 'asked' | 'there' | 'gone';
}

export function createHeartbeats(needs: HeartbeatNeeds): Heartbeats {
  const { clock, log } = needs;
  const began = clock.monotonic();
  const peers = new Map<string, PeerMemory>();
  const missed = needs.metrics.counter(
    'srm_heartbeats_unanswered_total',
    'Heartbeats that the other node did not answer',
  );
  const roundTrip = needs.metrics.histogram(
    'srm_heartbeat_seconds',
    'Round trip of a heartbeat',
    [0.001, 0.005, 0.02, 0.1, 0.5, 2, 5],
  );
  const memoryOf = (node: string): PeerMemory => {
    const known = peers.get(node);
    if (known) return known;
    const made: PeerMemory = {
      heard: undefined,
      isSending: false,
      isOwed: false,
      hasSaidGoodbye: false,
      host: 'unknown',
    };
    peers.set(node, made);
    return made;
  };

  const heartbeats: Heartbeats = {
    send(to) {
      const memory = memoryOf(to.name);
      if (memory.isSending) {
        memory.isOwed = true;
        return;
      }
      memory.isSending = true;
      const sentAt = clock.monotonic();
      void needs.transport
        .beat(to, needs.own())
        .then(
          (answer) => {
            const tookMs = clock.monotonic() - sentAt;
            roundTrip.observe(tookMs / 1000);
            heartbeats.take(answer, tookMs);
          },
          (error: unknown) => {
            missed.inc();
            log.debug({ node: to.name, err: describeError(error) }, 'heartbeat not answered');
          },
        )
        .finally(() => {
          memory.isSending = false;
          if (!memory.isOwed) return;
          memory.isOwed = false;
          heartbeats.send(to);
        });
    },
    take(beat, roundTripMs) {
      const memory = memoryOf(beat.node);
      const before = memory.heard;
      if (before && before.beat.start === beat.start && before.beat.sequence > beat.sequence) return false;
      memory.heard = { beat, at: clock.monotonic(), roundTripMs: roundTripMs ?? before?.roundTripMs ?? null };
      memory.host = 'unknown';
      if (before?.beat.start !== beat.start) memory.hasSaidGoodbye = false;
      needs.onHeard(beat, before !== undefined && before.beat.host !== beat.host);
      return true;
    },
    takeGoodbye({ node, start, isNodeGoingDown }) {
      const memory = memoryOf(node);
      if (memory.heard?.beat.start !== start) return;
      memory.hasSaidGoodbye = isNodeGoingDown;
      log.info({ node, isNodeGoingDown }, 'the other Server Recovery Manager goes silent on purpose');
    },
    last: (node) => peers.get(node)?.heard,
    silenceMs: (node) => clock.monotonic() - (peers.get(node)?.heard?.at ?? began),
    isHostGone(node) {
      const memory = peers.get(node);
      return memory !== undefined && (memory.hasSaidGoodbye || memory.host === 'gone');
    },
    probe(node) {
      const memory = memoryOf(node.name);
      if (memory.host !== 'unknown') return;
      memory.host = 'asked';
      log.warn({ node: node.name, silentMs: heartbeats.silenceMs(node.name) }, 'heartbeats are missing');
      void needs.hostAnswers(node.address).then((answers) => {
        if (memory.host === 'asked') memory.host = answers ? 'there' : 'gone';
      });
    },
  };
  return heartbeats;
}
