import { createHash } from 'node:crypto';
import type { AdminContext } from '../context.ts';
import type { Topic } from './page.ts';

/** Tells open pages that something they show has changed: not what, as each asks for it anew in its own words. */
export interface LiveEvents {
  /** How things look now: a page that was made after this asks for what has changed since. */
  mark(topics: readonly Topic[]): Promise<string>;
  /** undefined when too many listen already. What has changed since `mark` is heard as well. */
  subscribe(topics: readonly Topic[], mark: string, hear: (topic: Topic) => void): Disposable | undefined;
}

const LOOK_EVERY_MS = 500;
const MOST_LISTENERS = 200;
const PRINT_LENGTH = 12;

interface Listener {
  readonly known: Map<Topic, string>;
  readonly hear: (topic: Topic) => void;
}

/** Looks twice a second while anybody listens, and costs nothing else. */
export function createLiveEvents(context: AdminContext): LiveEvents {
  const listeners = new Set<Listener>();
  let timer: Disposable | undefined;

  const look = async (): Promise<void> => {
    const now = await fingerprints(context);
    for (const { known, hear } of listeners) {
      for (const [topic, before] of known) {
        if (before === now[topic]) continue;
        known.set(topic, now[topic]);
        hear(topic);
      }
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
    async mark(topics) {
      if (topics.length === 0) return '';
      const now = await fingerprints(context);
      return topics.map((topic) => now[topic]).join('.');
    },
    subscribe(topics, mark, hear) {
      if (listeners.size >= MOST_LISTENERS) return undefined;
      const marks = mark.split('.');
      const listener = { known: new Map(topics.map((topic, index) => [topic, marks[index] ?? ''])), hear };
      listeners.add(listener);
      if (!timer) next();
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

/** Whatever makes a page look different, but for what merely grows older. */
async function fingerprints(context: AdminContext): Promise<Record<Topic, string>> {
  const { supervisor, alarms, notifications, sync, syncWatch, changeFeed } = context;
  const consumers = await changeFeed.consumers();
  return {
    services: print(JSON.stringify(supervisor.status().map(({ upTimeSeconds: _, ...rest }) => rest))),
    alarms: print(JSON.stringify([alarms.active(), notifications.active()])),
    sync: print(`${JSON.stringify(sync.overview())} ${syncWatch.version}`),
    changes: print(
      `${await changeFeed.lastSeq()} ${consumers.map(({ consumer, seq, failures }) => `${consumer} ${seq} ${failures}`)}`,
    ),
  };
}

function print(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, PRINT_LENGTH);
}
