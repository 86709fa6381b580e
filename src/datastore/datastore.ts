/** What a store's rows must allow: a key, and the values of its indexes. */
export interface DatastoreDefinition<Value, Index extends string> {
  /** `login`, `route`, `presence`, `sip-registration`; part of every key in a shared engine. */
  readonly name: string;
  /** Values under which a row is found besides its key; a row may have several per index. */
  readonly indexes: { readonly [I in Index]: (value: Value) => readonly string[] };
  /** Most rows; a put beyond it is refused with `datastore.full`. */
  readonly maxRows?: number;
}

export interface Entry<Value> {
  readonly key: string;
  readonly value: Value;
  /** Milliseconds until it expires; null when it does not. */
  readonly expiresInMs: number | null;
}

/**
 * Which node wrote a row, and in which epoch of its ownership of the row's user. A node that takes a user over has a
 * higher epoch than the one that lost it, so that a row of the latter is known to be stale (docs/services/datastore.md).
 */
export interface RowOwner {
  /** The node's name. */
  readonly node: string;
  readonly epoch: number;
}

export type DatastoreEvent<Value> =
  | { readonly kind: 'put'; readonly key: string; readonly value: Value; readonly previous: Value | undefined }
  | { readonly kind: 'delete' | 'expire'; readonly key: string; readonly previous: Value };

/**
 * A real-time store: soft state, found by key or index, gone at its expiry. One interface, several engines, one set of
 * assertions (`test/datastore/datastore-assertions.ts`) that each must pass.
 * Errors: `ImpError` kind `unavailable` when the engine is away (never reported as "wrong password"), `datastore.full`.
 */
export interface Datastore<Value, Index extends string = never> {
  get(key: string): Promise<Value | undefined>;
  /** Stores or replaces. `expiresInMs` null: no expiry. */
  put(key: string, value: Value, expiresInMs: number | null): Promise<void>;
  /** Stores only when the key is free; answers the row that stands there afterwards. Atomic. */
  putIfAbsent(key: string, value: Value, expiresInMs: number | null): Promise<Value>;
  /** Gives an existing row a new life; false when it is gone. */
  touch(key: string, expiresInMs: number): Promise<boolean>;
  /** Answers what was deleted. Atomic: of two at once only one gets it. */
  delete(key: string): Promise<Value | undefined>;
  query(index: Index, value: string): Promise<readonly Entry<Value>[]>;
  /** Every row, in no order. */
  entries(): AsyncIterable<Entry<Value>>;
  size(): Promise<number>;
  /** Hears every put, deletion and expiry from now on; in order per key. */
  watch(listener: (event: DatastoreEvent<Value>) => void): Disposable;
}

/** Makes stores of one kind; the node picks it by configuration. */
export interface DatastoreEngine extends AsyncDisposable {
  open<Value, Index extends string = never>(definition: DatastoreDefinition<Value, Index>): Datastore<Value, Index>;
}
