import express, { type ErrorRequestHandler, type RequestHandler, type Response, type Router } from 'express';
import { z } from 'zod';
import { ImpError, isCallerError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { newRequestId } from '../platform/request-context.ts';
import type { Caller } from './access/caller.ts';
import { AccessError } from './access/credentials.ts';
import { type AnyCommand, isStream } from './command.ts';
import type { CommandRunner } from './command-runner.ts';
import { commands } from './commands.ts';
import { publicError, statusOf } from './http.ts';

export interface ApiNeeds {
  readonly runner: CommandRunner;
  /** Who asks. @throws AccessError, rejects */
  readonly authenticate: (request: express.Request) => Promise<Caller>;
  readonly log: Log;
}

/**
 * The JSON API: a path per command. `GET` for those that read (arguments in the query), `POST` with a JSON body for those
 * that change. Streams answer `application/x-ndjson`, a line each; an error in the middle of one is a last line
 * `{"type":"error"}`. Errors are `{"error":{"code","message"}}`. To be mounted on `/admin/api`.
 */
export function createApi({ runner, authenticate, log }: ApiNeeds): Router {
  const api = express.Router();
  // A stranger's body is not read.
  api.use(async (request, response, next) => {
    response.set('cache-control', 'no-store');
    response.locals.caller = await authenticate(request);
    next();
  });
  api.use(express.json({ limit: '64kb', inflate: false }));
  for (const each of commands) {
    const path = `/${each.words.join('/')}`;
    const answer = handle(each, runner);
    if (each.access === 'read') api.get(path, answer);
    else api.post(path, answer);
  }
  api.use(() => {
    throw new ImpError('not-found', 'admin.unknown-command', 'there is no such command');
  });
  api.use(onError(log));
  return api;
}

function handle(each: AnyCommand, runner: CommandRunner): RequestHandler {
  const switches = switchesOf(each);
  return async (request, response) => {
    const requestId = newRequestId();
    response.set('x-request-id', requestId);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const order = {
      given: each.access === 'read' ? fromQuery(request.query, switches) : (request.body ?? {}),
      caller: response.locals.caller as Caller,
      requestId,
      signal: gone.signal,
    };
    if (isStream(each)) await writeLines(response, runner.stream(each, order), gone.signal);
    else response.json(await runner.run(each, order));
  };
}

async function writeLines(response: Response, items: AsyncIterable<unknown>, gone: AbortSignal): Promise<void> {
  try {
    for await (const item of items) {
      if (!response.headersSent) response.type('application/x-ndjson');
      if (!response.write(`${JSON.stringify(item)}\n`) && !gone.aborted) {
        await new Promise<void>((resolve) => {
          response.once('drain', resolve);
          gone.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    }
  } catch (error) {
    if (!response.headersSent) throw error;
    response.write(`${JSON.stringify({ type: 'error', ...publicError(error) })}\n`);
  }
  if (!response.headersSent) response.type('application/x-ndjson');
  response.end();
}

/** Names of a command's arguments that are true or false. */
function switchesOf(each: AnyCommand): ReadonlySet<string> {
  const schema = z.toJSONSchema(each.arguments, { io: 'input', unrepresentable: 'any' }) as {
    readonly properties?: Readonly<Record<string, { readonly type?: string }>>;
  };
  return new Set(
    Object.entries(schema.properties ?? {})
      .filter(([, property]) => property.type === 'boolean')
      .map(([name]) => name),
  );
}

/** A query holds text only: switches are read here, numbers are coerced by the schemas. */
function fromQuery(query: Record<string, unknown>, switches: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(query).map(([key, value]) =>
      switches.has(key) && (value === 'true' || value === 'false') ? [key, value === 'true'] : [key, value],
    ),
  );
}

function onError(log: Log): ErrorRequestHandler {
  return (thrown: unknown, request, response, next) => {
    // What express itself refuses (bad JSON, too large) carries a status.
    const given = (thrown as { status?: unknown }).status;
    const isOfExpress =
      !(thrown instanceof ImpError) && typeof given === 'number' && given >= 400 && given < 500 && given;
    const error = isOfExpress
      ? new ImpError('invalid', 'admin.bad-request', 'the request body cannot be read', { cause: thrown })
      : thrown;
    if (error instanceof ImpError && error.kind === 'unavailable') {
      log.warn({ err: error.message, path: request.path }, 'administrator command could not be done');
    } else if (!isCallerError(error)) log.error({ err: error, path: request.path }, 'administrator command failed');
    if (response.headersSent) {
      next(error);
      return;
    }
    if (error instanceof AccessError && error.status === 401) {
      response.set('www-authenticate', 'Bearer realm="imp-gateway", Basic realm="imp-gateway"');
    }
    if (error instanceof AccessError && error.status === 429) response.set('retry-after', '60');
    // The body was not read to its end: the connection cannot go on.
    if (!request.complete) response.set('connection', 'close');
    response.status(isOfExpress || statusOf(error)).json({ error: publicError(error) });
  };
}
