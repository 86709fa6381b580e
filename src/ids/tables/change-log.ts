import type { Generated } from 'kysely';

/** One row per real change, written by triggers in the writer's own transaction. */
export interface ChangeLogRow {
  /** Strictly increasing, never reused. */
  seq: Generated<number>;
  tbl: string;
  op: 'i' | 'u' | 'd';
  /** The row's key; columns of a compound key are joined by U+001F. */
  key: string;
  /** Names of changed columns, comma-separated, each followed by a comma; '' for inserts and deletions. */
  changed: string;
  /** Who wrote: `cucm`, `client`, `administrator`, `node`, or `peer:<id>`; keeps changes from echoing. */
  origin: string;
  /** The request that caused the change, '' when none. */
  requestid: string;
  /** Milliseconds since the epoch. */
  at: number;
}

/** Who writes just now; set at the start of a transaction, read by the triggers. One row, `id` 1. */
export interface WriteContextRow {
  id: number;
  origin: string;
  requestid: string;
}

/** A consumer's durable place. */
export interface FeedConsumerRow {
  consumer: string;
  /** Everything up to here is acknowledged. */
  seq: number;
  /** Comma-separated names of the tables it reads. */
  tables: string;
  updatedat: number;
  /** Consecutive failures, and the last one's sentence. */
  failures: number;
  lasterror: string;
}

/** The trace: which consumer has handled which stretch of the log, when, with what result. */
export interface FeedAcknowledgementRow {
  id: Generated<number>;
  consumer: string;
  /** Exclusive. */
  afterseq: number;
  /** Inclusive. */
  throughseq: number;
  at: number;
  /** One clause: `wrote version 12, SIP Proxy runs 12`. */
  note: string;
}
