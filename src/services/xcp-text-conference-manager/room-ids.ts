import type { Clock } from '../../platform/clock.ts';

/** Ids of stanzas (XEP-0359): unique, and each sorts after the one before it, whatever the machine's clock does. */
export function createRoomIds(clock: Clock): () => string {
  let last = 0;
  let sequence = 0;
  return () => {
    const now = Math.max(clock.now(), last);
    sequence = now === last ? sequence + 1 : 0;
    last = now;
    return `${now.toString(16).padStart(12, '0')}-${sequence.toString(16).padStart(6, '0')}-${crypto.randomUUID().slice(0, 8)}`;
  };
}

/** A name for a room that nobody has thought of (XEP-0045 10.1.4). */
export function uniqueRoomName(): string {
  return crypto.randomUUID();
}
