import type { Datastore, DatastoreDefinition, DatastoreEngine } from './datastore.ts';
import { MemoryStore, type MemoryStoreNeeds } from './memory-store.ts';

/**
 * The embedded engine: stores in this process's memory (docs/services/datastore.md). The node holds it, so what a
 * service stored survives the service's restart, not the process. Opening a name again gives the same rows.
 */
export function createMemoryEngine(needs: MemoryStoreNeeds): DatastoreEngine {
  const stores = new Map<string, { readonly store: unknown; readonly shape: string; close(): void }>();
  let isDisposed = false;
  return {
    open<Value, Index extends string = never>(definition: DatastoreDefinition<Value, Index>): Datastore<Value, Index> {
      if (isDisposed) throw new Error('the datastore engine is disposed');
      const shape = Object.keys(definition.indexes).sort().join(' ');
      const known = stores.get(definition.name);
      if (known) {
        // Two meanings of one name would be a mistake in the composition, not something to go on from.
        if (known.shape !== shape) throw new Error(`the datastore ${definition.name} is open with other indexes`);
        return known.store as Datastore<Value, Index>;
      }
      const store = new MemoryStore(definition, needs);
      stores.set(definition.name, { store, shape, close: () => store.close() });
      return store;
    },
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      for (const { close } of stores.values()) close();
    },
  };
}
