import { randomInt } from 'node:crypto';
import type { ObjectChange } from './store/changes.ts';

/** A change with its place in the queue. */
export interface QueuedChange extends ObjectChange {
  readonly id: number;
}

/** The cache of changes that `listChange` reads: in memory, anew with every start of the service, as CUCM's is. */
export interface ChangeQueue {
  /** Opaque; another at every reset. */
  readonly queueId: string;
  /** Oldest and newest id held; 0 when none was ever. */
  readonly firstId: number;
  readonly lastId: number;
  append(changes: readonly ObjectChange[]): void;
  /** Records from `id` on, oldest first. */
  from(id: number): Iterable<QueuedChange>;
  /** Forgets everything and takes a new queue id: clients must read everything anew. */
  reset(): void;
}

/** What CUCM keeps; the oldest go first. */
const CAPACITY = 100_000;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ID_LENGTH = 8;

export function createChangeQueue(capacity = CAPACITY): ChangeQueue {
  let queueId = newQueueId();
  let lastId = 0;
  // A ring: record `id` lies at `id % capacity`.
  let ring: QueuedChange[] = [];
  const firstId = (): number => (lastId === 0 ? 0 : Math.max(1, lastId - capacity + 1));
  return {
    get queueId() {
      return queueId;
    },
    get firstId() {
      return firstId();
    },
    get lastId() {
      return lastId;
    },
    append(changes) {
      for (const change of changes) {
        lastId += 1;
        ring[lastId % capacity] = { ...change, id: lastId };
      }
    },
    *from(id) {
      for (let at = Math.max(id, firstId(), 1); at <= lastId; at += 1) yield ring[at % capacity] as QueuedChange;
    },
    reset() {
      const before = queueId;
      do queueId = newQueueId();
      while (queueId === before);
      lastId = 0;
      ring = [];
    },
  };
}

function newQueueId(): string {
  return Array.from({ length: ID_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}
