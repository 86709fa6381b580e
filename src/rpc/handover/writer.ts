import { z } from 'zod';
import { describeError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { ConfigurationError } from './errors.ts';
import type { FileStore } from './file-store.ts';
import type { ConfigurationFormat, LoadedConfiguration } from './format.ts';
import { createConfigurationLoader } from './loader.ts';

/** Remembers which version was given to which content, before the version is written. */
const COUNTER_FILE = 'version.json';
const counterSchema = z.strictObject({ version: z.int().min(0), content: z.string() });
type Counter = z.infer<typeof counterSchema>;

export interface WriteOutcome {
  readonly version: number;
  /** `repaired`: a version of before written again, as what lay there was missing, damaged, older or half done. */
  readonly change: 'unchanged' | 'new' | 'repaired';
}

export interface ConfigurationWriter<Content> {
  /** What lies in the folder; undefined when there is nothing, or nothing whole. */
  current(): Promise<LoadedConfiguration<Content> | undefined>;
  /**
   * Makes `content` the version in force. A version is never used for other content and never goes back, whatever
   * was lost: the next one is above the counter's, the file's and `atLeast` (what the component says that it runs).
   * @throws ConfigurationError what was in force then stays in force, whole
   */
  write(content: Content, atLeast: number): Promise<WriteOutcome>;
}

export function createConfigurationWriter<Content extends object>(
  format: ConfigurationFormat<Content>,
  store: FileStore,
  log: Log,
): ConfigurationWriter<Content> {
  const loader = createConfigurationLoader(format, store);
  const readCounter = async (): Promise<Counter | undefined> => {
    try {
      return counterSchema.parse(JSON.parse(await store.read(COUNTER_FILE)));
    } catch (error) {
      const isMissing = error instanceof ConfigurationError && error.code === 'configuration.missing';
      if (!isMissing) log.warn({ err: describeError(error) }, 'version counter cannot be read');
      return undefined;
    }
  };
  const current = async (): Promise<LoadedConfiguration<Content> | undefined> => {
    try {
      return await loader.load();
    } catch (error) {
      const isMissing = error instanceof ConfigurationError && error.code === 'configuration.missing';
      if (!isMissing) log.warn({ err: describeError(error) }, 'configuration in the folder is not whole');
      return undefined;
    }
  };

  return {
    current,
    async write(content, atLeast) {
      const fingerprint = loader.fingerprint(content);
      const [counter, disk] = await Promise.all([readCounter(), current()]);
      const known = Math.max(counter?.version ?? 0, disk?.version ?? 0, atLeast);
      const isCountersOwn = counter?.version === known && counter.content === fingerprint;
      const isOnDisk = disk?.version === known && loader.fingerprint(disk.content) === fingerprint;
      if (isOnDisk && (isCountersOwn || counter === undefined || counter.version < known)) {
        if (!isCountersOwn) await store.write(COUNTER_FILE, counterText({ version: known, content: fingerprint }));
        return { version: known, change: 'unchanged' };
      }
      const version = isCountersOwn ? known : known + 1;
      const files = format.render(content, version, disk);
      // Read as the component will read it, before anything is in its way.
      const texts = new Map(files.map(({ name, text }) => [name, text]));
      const written = await format.load(async (name) => texts.get(name) ?? (await store.read(name)));
      if (!isCountersOwn) await store.write(COUNTER_FILE, counterText({ version, content: fingerprint }));
      for (const { name, text } of files) await store.write(name, text);
      // A reader may just be between the main file and what that names: the version before keeps its files too.
      const needed = new Set([...written.files, ...(disk?.files ?? [])]);
      await store
        .tidy((name) => format.isOurs(name) && !needed.has(name))
        .catch((error: unknown) => {
          log.warn({ err: describeError(error) }, 'old configuration files were left');
        });
      return { version, change: isCountersOwn ? 'repaired' : 'new' };
    },
  };
}

function counterText(counter: Counter): string {
  return `${JSON.stringify(counter)}\n`;
}
