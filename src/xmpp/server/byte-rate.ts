/** What is asked of a stream that is measured. */
export interface MeasuredStream {
  readonly bytesRead: number;
  pause(): void;
  resume(): void;
}

export interface ByteRateLimit {
  readonly bytesPerSecond: number;
  /** Seconds in a row above it before anything is done. */
  readonly burstSeconds: number;
}

/**
 * Slows streams down that send more than they may for too long: such a one is read for as long as its allowance
 * lasts, and then waits until it has some again. A burst costs nothing.
 */
export interface ByteRates {
  add(stream: MeasuredStream): Disposable;
  /** Looks at every stream; called each second. Answers how many are slowed down now. */
  tick(): number;
}

interface Measured {
  readonly stream: MeasuredStream;
  seen: number;
  secondsAbove: number;
  isThrottled: boolean;
  isPaused: boolean;
  /** Bytes read beyond what was allowed. */
  debt: number;
}

export function createByteRates(limit: ByteRateLimit, onThrottled: () => void): ByteRates {
  const streams = new Set<Measured>();

  const hold = (each: Measured, isPaused: boolean): void => {
    if (each.isPaused === isPaused) return;
    each.isPaused = isPaused;
    if (isPaused) each.stream.pause();
    else each.stream.resume();
  };

  const look = (each: Measured): void => {
    const read = each.stream.bytesRead - each.seen;
    each.seen += read;
    if (each.isThrottled) {
      const wasHeld = each.isPaused;
      each.debt = Math.max(0, each.debt + read - limit.bytesPerSecond);
      hold(each, each.debt > 0);
      // It was free to send, and sent little: it behaves again.
      if (!wasHeld && read < limit.bytesPerSecond / 2) {
        each.secondsAbove -= 1;
        each.isThrottled = each.secondsAbove > 0;
      }
      return;
    }
    each.secondsAbove = read > limit.bytesPerSecond ? each.secondsAbove + 1 : 0;
    if (each.secondsAbove < limit.burstSeconds) return;
    each.isThrottled = true;
    each.debt = read;
    hold(each, true);
    onThrottled();
  };

  return {
    add(stream) {
      const measured = { stream, seen: 0, secondsAbove: 0, isThrottled: false, isPaused: false, debt: 0 };
      streams.add(measured);
      return { [Symbol.dispose]: () => void streams.delete(measured) };
    },
    tick() {
      let throttled = 0;
      for (const each of streams) {
        look(each);
        if (each.isThrottled) throttled += 1;
      }
      return throttled;
    },
  };
}
