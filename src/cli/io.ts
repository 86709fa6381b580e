/** What the command line touches of the process; handed in by main.ts, so that tests need no process. */
export interface CliIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly pid: number;
  /** Both take whole lines, without the line end. */
  out(line: string): void;
  err(line: string): void;
  /** Rewrites the last line of a terminal; undefined when standard output is none. */
  readonly status: ((line: string) => void) | undefined;
  readonly isErrorTerminal: boolean;
  /** Everything on standard input, for secrets. */
  readInput(): Promise<string>;
  /** Aborted by SIGINT or SIGTERM. */
  readonly interrupted: AbortSignal;
}

/** The command was used wrongly: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
