/** First come, first served; disposing a turn lets the next one in. */
export interface Mutex {
  acquire(): Promise<Disposable>;
}

export function createMutex(): Mutex {
  let last: Promise<void> = Promise.resolve();
  return {
    async acquire() {
      const before = last;
      let release: () => void = () => undefined;
      last = new Promise((resolve) => {
        release = resolve;
      });
      await before;
      return { [Symbol.dispose]: release };
    },
  };
}
