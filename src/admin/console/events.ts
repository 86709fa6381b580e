import type { AdminContext } from '../context.ts';
import type { Topic } from './page.ts';

/** Tells open pages that something they show has changed: not what, as each asks for it anew in its own words. */
export interface LiveEvents {
  /** @throws nothing; undefined when too many listen already */
  subscribe(topics: readonly Topic[], hear: (topic: Topic) => void): Disposable | undefined;
}

const LOOK_EVERY_MS = 500;
const MOST_LISTENERS = 200;

interface Listener {
  readonly topics: readonly Topic[];
  readonly hear: (topic: Topic) => void;
}

/** Looks twice a second while anybody listens, and costs nothing else. */
export function createLiveEvents(context: AdminContext): LiveEvents {
  const listeners = new Set<Listener>();
  const seen = new Map<Topic, string>();
  let timer: Disposable | undefined;

  const look = async (): Promise<void> => {
    const now = await fingerprints(context);
    for (const [topic, print] of Object.entries(now) as [Topic, string][]) {
      const before = seen.get(topic);
      seen.set(topic, print);
      if (before === undefined || before === print) continue;
      for (const listener of listeners) if (listener.topics.includes(topic)) listener.hear(topic);
    }
  };

  const next = (): void => {
    timer = context.clock.schedule(LOOK_EVERY_MS, () => {
      look()
        // The page shows what is wrong when it is asked for; to be looked at again in any case.
        .catch(() => undefined)
        .finally(() => {
          timer = undefined;
          if (listeners.size > 0) next();
        });
    });
  };

  return {
    subscribe(topics, hear) {
      if (listeners.size >= MOST_LISTENERS) return undefined;
      const listener = { topics, hear };
      listeners.add(listener);
      if (listeners.size === 1) {
        seen.clear();
        if (!timer) {
          void look().catch(() => undefined);
          next();
        }
      }
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

/** Whatever makes a page look different, but for what merely grows older. */
async function fingerprints(context: AdminContext): Promise<Record<Topic, string>> {
  const { supervisor, alarms, notifications, sync, syncWatch, changeFeed } = context;
  const consumers = await changeFeed.consumers();
  return {
    services: JSON.stringify(supervisor.status().map(({ upTimeSeconds: _, ...rest }) => rest)),
    alarms: JSON.stringify([alarms.active(), notifications.active()]),
    sync: `${JSON.stringify(sync.overview())} ${syncWatch.version}`,
    changes: `${await changeFeed.lastSeq()} ${consumers.map(({ consumer, seq, failures }) => `${consumer} ${seq} ${failures}`)}`,
  };
}
