import { z } from 'zod';
import { ImpError, isCallerError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { withRequest } from '../platform/request-context.ts';
import type { Caller } from './access/caller.ts';
import { AccessError } from './access/credentials.ts';
import { argumentProblem } from './argument-problem.ts';
import type { AuditEntry } from './audit-log.ts';
import { type AnyCommand, type CommandCall, isStream } from './command.ts';
import type { AdminContext } from './context.ts';

/** One call of a command by somebody who is known. */
export interface Order {
  /** Not yet checked. */
  readonly given: unknown;
  readonly caller: Caller;
  readonly requestId: string;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
}

/**
 * Runs commands for every face: checks the role, then the arguments, runs under the request id, checks the result, and
 * writes what changes into the audit log.
 */
export interface CommandRunner {
  /** @throws AccessError `admin.not-permitted`; ImpError `admin.invalid-argument`, and what the command throws */
  run(command: AnyCommand, order: Order): Promise<unknown>;
  /** The same for a stream; a command that is none yields its one answer. */
  stream(command: AnyCommand, order: Order): AsyncIterable<unknown>;
}

/** Arguments that were refused may be anything. */
const MOST_ARGUMENT_BYTES = 2_000;

export interface CommandRunnerNeeds {
  readonly context: AdminContext;
  readonly log: Log;
}

export function createCommandRunner({ context, log }: CommandRunnerNeeds): CommandRunner {
  const { audit } = context;
  const check = (command: AnyCommand, { given, caller }: Order): unknown => {
    if (command.access === 'operate' && caller.role !== 'operate') {
      throw new AccessError('admin.not-permitted', `"${command.words.join(' ')}" needs the right to operate`);
    }
    return parseArguments(command, given);
  };

  const note = (command: AnyCommand, order: Order, how: Pick<AuditEntry, 'outcome' | 'error'>): void => {
    if (command.access === 'read') return;
    const { name, proof, face, address } = order.caller;
    audit.record({
      by: name,
      proof,
      face,
      address,
      action: command.words.join(' '),
      arguments: loggable(command, order.given),
      requestId: order.requestId,
      ...how,
    });
  };

  const checked = (command: AnyCommand, result: unknown): unknown => {
    const good = command.result.safeParse(result);
    if (good.success) return good.data;
    log.error({ command: command.words.join(' '), err: z.prettifyError(good.error) }, 'a result has not its shape');
    throw new ImpError('internal', 'admin.result', 'the answer has not the shape that is declared');
  };

  async function* items(command: AnyCommand, order: Order): AsyncIterable<unknown> {
    const call: CommandCall = { by: order.caller.name, signal: order.signal };
    const given = check(command, order);
    const inRequest = <T>(task: () => T): T => withRequest(order.requestId, task);
    if (!isStream(command)) {
      yield checked(command, await inRequest(() => command.run(context, given, call)));
      return;
    }
    const iterator = inRequest(() => command.stream(context, given, call)[Symbol.asyncIterator]());
    try {
      for (;;) {
        const next = await inRequest(() => iterator.next());
        if (next.done === true) return;
        yield checked(command, next.value);
      }
    } finally {
      await iterator.return?.();
    }
  }

  async function* stream(command: AnyCommand, order: Order): AsyncIterable<unknown> {
    // What remains when the reader stops reading.
    let how: Pick<AuditEntry, 'outcome' | 'error'> = { outcome: 'left' };
    try {
      yield* items(command, order);
      if (!order.signal.aborted) how = { outcome: 'done' };
    } catch (error) {
      const code = error instanceof ImpError ? error.code : 'internal';
      how = { outcome: isCallerError(error) ? 'refused' : 'failed', error: code };
      throw error;
    } finally {
      note(command, order, how);
    }
  }

  return {
    async run(command, order) {
      const answers: unknown[] = [];
      for await (const answer of stream(command, order)) answers.push(answer);
      return isStream(command) ? answers : answers[0];
    },
    stream,
  };
}

/** @throws ImpError `admin.invalid-argument`, naming the argument */
export function parseArguments(command: AnyCommand, given: unknown): unknown {
  const parsed = command.arguments.safeParse(given);
  if (parsed.success) return parsed.data;
  const { argument, clause } = argumentProblem(parsed.error);
  throw new ImpError('invalid', 'admin.invalid-argument', `${argument}: ${clause}`);
}

/** What a log may show of a command's arguments. */
function loggable(command: AnyCommand, given: unknown): unknown {
  const hidden = [...(command.secret === undefined ? [] : [command.secret]), ...(command.unlogged ?? [])];
  const shown =
    typeof given !== 'object' || given === null
      ? given
      : { ...given, ...Object.fromEntries(hidden.map((name) => [name, '***'])) };
  return JSON.stringify(shown ?? null).length > MOST_ARGUMENT_BYTES ? '(too long)' : shown;
}
