/** Runs tasks of the same key one after the other, those of different keys at once. Forgets a key with nothing to do. */
export function createTurns(): <T>(key: string, task: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<void>>();
  return async (key, task) => {
    const run = (last.get(key) ?? Promise.resolve()).then(task);
    const done = run.then(
      () => undefined,
      () => undefined,
    );
    last.set(key, done);
    try {
      return await run;
    } finally {
      if (last.get(key) === done) last.delete(key);
    }
  };
}
