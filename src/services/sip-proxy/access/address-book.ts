import { lookup as machineLookup } from 'node:dns/promises';
import type { AddressBook } from './access-list.ts';

/** Addresses of a few names, looked up beside the work and again after a minute, so that no request waits for DNS. */
export interface NameWatch {
  readonly addressesOf: AddressBook;
  /** The names that matter from now on. */
  follow(names: readonly string[]): void;
  /** Looks all of them up; a name that cannot be looked up keeps what it had. */
  refresh(): Promise<void>;
}

export const REFRESH_MS = 60_000;

export type Lookup = (name: string) => Promise<readonly string[]>;

export function createNameWatch(lookup: Lookup = lookupName): NameWatch {
  const known = new Map<string, readonly string[]>();
  let wanted: readonly string[] = [];
  return {
    addressesOf: (name) => known.get(name) ?? [],
    follow(names) {
      wanted = [...new Set(names)];
      for (const name of known.keys()) if (!wanted.includes(name)) known.delete(name);
    },
    async refresh() {
      await Promise.all(
        wanted.map(async (name) => {
          // A name that DNS does not know is nobody's, and that is no failure of ours.
          const found = await lookup(name).catch(() => undefined);
          if (found !== undefined) known.set(name, found);
        }),
      );
    },
  };
}

async function lookupName(name: string): Promise<readonly string[]> {
  return (await machineLookup(name, { all: true })).map(({ address }) => address);
}
