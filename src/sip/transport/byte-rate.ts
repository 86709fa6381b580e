import type { Clock } from '../../platform/clock.ts';

/** A bucket of bytes that fills with time. */
export interface ByteRate {
  /** Takes what was read; answers how many milliseconds to wait before reading on, 0 for none. */
  take(bytes: number): number;
}

export function createByteRate(clock: Clock, bytesPerSecond: number, burst: number): ByteRate {
  let available = burst;
  let at = clock.monotonic();
  return {
    take(bytes) {
      const now = clock.monotonic();
      available = Math.min(burst, available + ((now - at) * bytesPerSecond) / 1000) - bytes;
      at = now;
      return available >= 0 ? 0 : Math.ceil((-available * 1000) / bytesPerSecond);
    },
  };
}
