import type { FileStore } from './file-store.ts';
import type { ConfigurationFormat, LoadedConfiguration } from './format.ts';

/** Reads a folder again and again: parses and checks only what is not, byte for byte, what it read last. */
export interface ConfigurationLoader<Content> {
  /** @throws ConfigurationError */
  load(): Promise<LoadedConfiguration<Content>>;
  /** The format's fingerprint, made once for each object; content is never changed once it is made. */
  fingerprint(content: Content): string;
}

export function createConfigurationLoader<Content extends object>(
  format: ConfigurationFormat<Content>,
  store: FileStore,
): ConfigurationLoader<Content> {
  const prints = new WeakMap<Content, string>();
  let last: { readonly texts: ReadonlyMap<string, string>; readonly loaded: LoadedConfiguration<Content> } | undefined;

  return {
    async load() {
      const texts = new Map<string, string>();
      const read = async (name: string): Promise<string> => {
        const text = texts.get(name) ?? (await store.read(name));
        texts.set(name, text);
        return text;
      };
      if (last) {
        const { texts: known, loaded } = last;
        let isSame = true;
        for (const name of loaded.files) {
          if ((await read(name)) === known.get(name)) continue;
          // A part that is gone may belong to a version that is over: the format decides what to read.
          isSame = false;
          break;
        }
        if (isSame) return loaded;
      }
      const loaded = await format.load(read);
      last = { texts, loaded };
      return loaded;
    },
    fingerprint(content) {
      const known = prints.get(content);
      if (known !== undefined) return known;
      const print = format.fingerprint(content);
      prints.set(content, print);
      return print;
    },
  };
}
