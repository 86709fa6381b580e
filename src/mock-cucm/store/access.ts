import type Sqlite from 'better-sqlite3';

export type SqlValue = string | number | null;

/** Reading CUCM's tables; statements are prepared once. Inside a write it sees what the write has done. */
export interface Reading {
  get<Row>(sql: string, ...values: SqlValue[]): Row | undefined;
  all<Row>(sql: string, ...values: SqlValue[]): Row[];
  /** The prepared statement itself, for hot paths. */
  statement(sql: string): Sqlite.Statement<unknown[], unknown>;
}

/** Writing, inside the one transaction of a request: a fault thrown undoes everything. */
export interface Writing extends Reading {
  /** Answers how many rows were touched. */
  run(sql: string, ...values: SqlValue[]): number;
  /** A new primary key: lower case, without braces. */
  newPkid(): string;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** A quoted identifier. Names come from our own tables of objects, never from a request. */
export function quoted(name: string): string {
  return `"${name}"`;
}
