import type { z } from 'zod';
import type { AdminContext } from './context.ts';

/**
 * What an administrator can see or do, declared once: the command line, the JSON API, the console and the generated
 * schemas are all read from these declarations. No other place holds a command's logic.
 */
export interface Command<Arguments = unknown, Result = unknown> {
  /** `['service', 'restart']`: words of the command line, path of the API. */
  readonly words: readonly string[];
  readonly summary: string;
  /** `read` shows, `operate` changes; the API maps them to GET and POST. */
  readonly access: 'read' | 'operate';
  readonly arguments: z.ZodType<Arguments>;
  /** Names of arguments that stand as bare words on the command line, in order; the others are flags. */
  readonly positional: readonly string[];
  /** The argument that is a secret: the command line reads it from standard input, and no log shows it. */
  readonly secret?: string;
  /** Arguments that may hold a secret: no log shows them. */
  readonly unlogged?: readonly string[];
  /** Arguments that are the content of files: the command line reads those that it is given the names of. */
  readonly files?: readonly string[];
  readonly result: z.ZodType<Result>;
  run(context: AdminContext, given: Arguments, call: CommandCall): Promise<Result>;
  /** For people, on a terminal. */
  render(result: Result): string;
}

/** A command that answers with a stream of objects; with `--json` a line each. */
export interface StreamCommand<Arguments = unknown, Item = unknown> extends Omit<Command<Arguments, Item>, 'run'> {
  readonly isStream: true;
  stream(context: AdminContext, given: Arguments, call: CommandCall): AsyncIterable<Item>;
}

export type AnyCommand = Command | StreamCommand;

/** Who calls, and until when. */
export interface CommandCall {
  readonly by: string;
  readonly signal: AbortSignal;
}

/** Keeps the types of one declaration together and forgets them at the list. */
export function command<Arguments, Result>(declared: Command<Arguments, Result>): AnyCommand {
  return declared as unknown as AnyCommand;
}

export function streamCommand<Arguments, Item>(declared: StreamCommand<Arguments, Item>): AnyCommand {
  return declared as unknown as AnyCommand;
}

export function isStream(each: AnyCommand): each is StreamCommand {
  return 'isStream' in each;
}
