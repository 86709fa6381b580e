import type { Clock } from './clock.ts';
import type { Scope } from './service.ts';

/** A scope with its owner's side: close it, and hear of a background failure. */
export interface OwnedScope extends Scope {
  /** Aborts the signal, waits for background tasks, then closes what was deferred, last first. Errors of closing are collected. */
  close(): Promise<void>;
}

/**
 * @param onFailure called once, with the first rejection of a background task; the owner then closes the scope.
 * @throws from `close` an AggregateError when something deferred could not be closed; everything else was closed.
 */
export function createScope(clock: Clock, onFailure: (error: unknown) => void): OwnedScope {
  const controller = new AbortController();
  const deferred: (() => void | Promise<void>)[] = [];
  const running = new Set<Promise<void>>();
  let closing: Promise<void> | undefined;
  let hasFailed = false;

  const watch = (task: Promise<void>): void => {
    const watched = task.catch((error: unknown) => {
      if (controller.signal.aborted || hasFailed) return;
      hasFailed = true;
      onFailure(error);
    });
    running.add(watched);
    void watched.then(() => running.delete(watched));
  };

  const scope: OwnedScope = {
    signal: controller.signal,
    defer(close) {
      if (closing) throw new Error('the scope is closed');
      deferred.push(close);
    },
    every(ms, task) {
      let timer: Disposable | undefined;
      const again = (): void => {
        if (controller.signal.aborted) return;
        timer = clock.schedule(ms, () => {
          watch(Promise.resolve().then(task).then(again));
        });
      };
      again();
      scope.defer(() => timer?.[Symbol.dispose]());
    },
    run(task) {
      watch(Promise.resolve().then(() => task(controller.signal)));
    },
    close() {
      closing ??= (async () => {
        controller.abort(new Error('the service is stopping'));
        await Promise.all(running);
        const errors: unknown[] = [];
        for (const close of deferred.reverse()) {
          try {
            await close();
          } catch (error) {
            errors.push(error);
          }
        }
        if (errors.length > 0) throw new AggregateError(errors, 'not everything could be closed');
      })();
      return closing;
    },
  };
  return scope;
}
