import type { WatchedTable } from './database.ts';

/** The latest state of one row since the consumer's last batch: operations on a key are coalesced. */
export interface Change {
  /** The last of the coalesced rows of the log. */
  readonly seq: number;
  readonly table: WatchedTable;
  /** `d` when the row is gone, else `i` or `u`. */
  readonly op: 'i' | 'u' | 'd';
  readonly key: string;
  /** Union of the changed columns; empty for inserts and deletions. */
  readonly changed: ReadonlySet<string>;
  readonly origin: string;
  readonly requestId: string;
  readonly at: number;
}

export type FeedBatch =
  /** Read everything anew: at the first start, after a gap, or when the backlog is above the limit. */
  | {
      readonly kind: 'snapshot';
      readonly reason: 'first' | 'requested' | 'gap' | 'backlog';
      readonly throughSeq: number;
    }
  | { readonly kind: 'changes'; readonly changes: readonly Change[]; readonly throughSeq: number };

export interface FollowOptions {
  /** Durable name; one running follower per name. */
  readonly consumer: string;
  readonly tables: readonly WatchedTable[];
  /** `resume` goes on at the cursor; `snapshot` begins with a snapshot at every start (for what lives in memory). */
  readonly start: 'resume' | 'snapshot';
  /** Changes of these origins are acknowledged unseen. A trailing `:*` matches a family. */
  readonly ignoreOrigins?: readonly string[];
  readonly signal: AbortSignal;
}

/** What the consumer did with a batch: one clause for the trace, '' when there is nothing to say. */
export type FeedHandler = (batch: FeedBatch) => Promise<string>;

export interface ConsumerStatus {
  readonly consumer: string;
  readonly tables: readonly string[];
  /** Everything up to here is acknowledged. */
  readonly seq: number;
  /** Rows of its tables it has not acknowledged, and the age of the oldest in seconds. */
  readonly lagRows: number;
  readonly lagSeconds: number;
  readonly failures: number;
  readonly lastError: string;
  readonly isFollowing: boolean;
}

/** One row of the log with everybody who has handled it. */
export interface TracedChange extends Change {
  readonly handledBy: readonly { readonly consumer: string; readonly at: number; readonly note: string }[];
  /** Consumers of the table that have not handled it yet. */
  readonly waitingFor: readonly string[];
}

/**
 * The change feed: consumers subscribe by table, keep a durable place, start from a snapshot, then get every later
 * change in order, coalesced, at least once. Handlers are written to be repeated. A slow or failing consumer never
 * holds up another.
 */
export interface ChangeFeed {
  /**
   * Hands batches to `handler` until the signal is aborted, then resolves. A batch is acknowledged after the handler
   * resolved; when it rejects, the same place is tried again after 1, 2, 4 … 60 s, with an alarm.
   */
  follow(options: FollowOptions, handler: FeedHandler): Promise<void>;
  /** Something was committed: look at the log now. The Ids calls it after each commit. */
  wake(): void;
  /** The newest sequence number. */
  lastSeq(): Promise<number>;
  consumers(): Promise<readonly ConsumerStatus[]>;
  /** Rows after `seq` (or the newest `limit` without it), oldest first, with their trace. */
  trace(query: { readonly afterSeq?: number; readonly limit: number }): Promise<readonly TracedChange[]>;
  /** Resolves when every following consumer has handled what was committed before the call. */
  settled(signal?: AbortSignal): Promise<void>;
  /** Forgets a consumer's place, so that it no longer holds the log. */
  remove(consumer: string): Promise<void>;
}
