/** What the change feed asks of an engine. Rows are as the triggers wrote them; all reads see committed data only. */

export interface LoggedChange {
  readonly seq: number;
  readonly tbl: string;
  readonly op: 'i' | 'u' | 'd';
  readonly key: string;
  readonly changed: string;
  readonly origin: string;
  readonly requestid: string;
  readonly at: number;
}

export interface StoredConsumer {
  readonly consumer: string;
  readonly seq: number;
  readonly tables: string;
  readonly updatedat: number;
  readonly failures: number;
  readonly lasterror: string;
}

export interface StoredAcknowledgement {
  readonly consumer: string;
  readonly afterseq: number;
  readonly throughseq: number;
  readonly at: number;
  readonly note: string;
}

export interface FeedStore {
  /** The newest sequence number ever given; 0 when none was. */
  lastSeq(): Promise<number>;
  /** The oldest row kept; null when the log is empty. */
  oldestSeq(): Promise<number | null>;
  /** Rows of `tables` with after < seq ≤ through, oldest first. */
  read(tables: readonly string[], after: number, through: number, limit: number): Promise<readonly LoggedChange[]>;
  /** The newest `limit` rows, oldest first. */
  newest(limit: number): Promise<readonly LoggedChange[]>;
  /** Any table's rows after `after`, oldest first. */
  readAll(after: number, limit: number): Promise<readonly LoggedChange[]>;
  /** How many rows of `tables` come after `after`, and the time of the oldest. */
  lag(tables: readonly string[], after: number): Promise<{ readonly rows: number; readonly oldestAt: number | null }>;
  consumers(): Promise<readonly StoredConsumer[]>;
  consumer(name: string): Promise<StoredConsumer | undefined>;
  acknowledgements(afterSeq: number, throughSeq: number): Promise<readonly StoredAcknowledgement[]>;
  /** Makes the consumer known without moving its place. */
  register(name: string, tables: string, at: number): Promise<void>;
  /** Moves the place and, unless `note` is null, keeps a line for the trace. Durable when it resolves. */
  acknowledge(name: string, afterSeq: number, throughSeq: number, at: number, note: string | null): Promise<void>;
  recordFailure(name: string, failures: number, error: string, at: number): Promise<void>;
  remove(name: string): Promise<void>;
  /** Deletes at most `limit` of the rows up to `throughSeq`, and the trace of deleted rows; answers how many. */
  trim(throughSeq: number, limit: number): Promise<number>;
  /** Called after each commit in this process. */
  onCommit(listener: () => void): Disposable;
}
