import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { z } from 'zod';
import { describeError, type ErrorKind, ImpError, isCallerError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { newRequestId, withRequest } from '../platform/request-context.ts';
import { isSameSecret } from './admin-token.ts';
import { type AnyCommand, type CommandCall, isStream } from './command.ts';
import { commands } from './commands.ts';
import type { AdminContext } from './context.ts';

/** HTTP statuses of the error kinds. */
const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  denied: 403,
  'not-found': 404,
  conflict: 409,
  unavailable: 503,
  internal: 500,
};

export interface AdminAppNeeds {
  readonly context: AdminContext;
  readonly token: string;
  readonly log: Log;
}

/**
 * The JSON API under `/admin/api`: a path per command. `GET` for those that read (arguments in the query), `POST` with a
 * JSON body for those that change. Streams answer `application/x-ndjson`, a line each; an error in the middle of one is
 * a last line `{"type":"error"}`. Errors are `{"error":{"code","message"}}`.
 */
export function createAdminApp({ context, token, log }: AdminAppNeeds): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(helmet());
  const api = express.Router();
  api.use(authenticate(token));
  api.use(express.json({ limit: '64kb' }));
  for (const each of commands) {
    const path = `/${each.words.join('/')}`;
    if (each.access === 'read') api.get(path, handle(each, context, log));
    else api.post(path, handle(each, context, log));
  }
  api.use((_request, _response) => {
    throw new ImpError('not-found', 'admin.unknown-command', 'there is no such command');
  });
  app.use('/admin/api', api);
  app.use(onError(log));
  return app;
}

function authenticate(token: string): RequestHandler {
  return (request, response, next) => {
    const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (given !== undefined && isSameSecret(given, token)) {
      next();
      return;
    }
    response.status(401).set('www-authenticate', 'Bearer realm="imp-gateway"');
    response.json({ error: { code: 'admin.unauthorized', message: 'an administrator token is needed' } });
  };
}

function handle(each: AnyCommand, context: AdminContext, log: Log): RequestHandler {
  const switches = switchesOf(each);
  return async (request, response) => {
    const requestId = newRequestId();
    response.set('x-request-id', requestId);
    const source: unknown = each.access === 'read' ? fromQuery(request.query, switches) : (request.body ?? {});
    const given = each.arguments.safeParse(source);
    if (!given.success) {
      const issue = given.error.issues[0];
      const where = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : (issue?.path.join('.') ?? '');
      throw new ImpError('invalid', 'admin.invalid-argument', `${where}: ${issue?.message ?? 'not valid'}`);
    }
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const call: CommandCall = { by: 'administrator', signal: gone.signal };
    if (each.access === 'operate') {
      log.info(
        { requestId, command: each.words.join(' '), arguments: withoutSecret(each, given.data), by: call.by },
        'administrator command',
      );
    }
    await withRequest(requestId, async () => {
      if (!isStream(each)) {
        response.json(await each.run(context, given.data, call));
        return;
      }
      try {
        for await (const item of each.stream(context, given.data, call)) {
          if (!response.headersSent) response.type('application/x-ndjson');
          if (!response.write(`${JSON.stringify(item)}\n`) && !gone.signal.aborted) {
            await new Promise<void>((resolve) => {
              response.once('drain', resolve);
              gone.signal.addEventListener('abort', () => resolve(), { once: true });
            });
          }
        }
      } catch (error) {
        if (!response.headersSent) throw error;
        response.write(`${JSON.stringify({ type: 'error', ...publicError(error) })}\n`);
      }
      if (!response.headersSent) response.type('application/x-ndjson');
      response.end();
    });
  };
}

/** What a log may show of a command's arguments. */
function withoutSecret(each: AnyCommand, given: unknown): unknown {
  return each.secret === undefined ? given : { ...(given as object), [each.secret]: '***' };
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

function publicError(error: unknown): { code: string; message: string } {
  if (error instanceof ImpError && error.kind !== 'internal')
    return { code: error.code, message: describeError(error) };
  return { code: 'internal', message: 'internal error: see the log of the node' };
}

function onError(log: Log): ErrorRequestHandler {
  return (thrown: unknown, request, response, next) => {
    // What express itself refuses (bad JSON, too large) carries a status.
    const status = (thrown as { status?: unknown }).status;
    const error =
      typeof status === 'number' && status >= 400 && status < 500 && !(thrown instanceof ImpError)
        ? new ImpError('invalid', 'admin.bad-request', 'the request body cannot be read', { cause: thrown })
        : thrown;
    if (error instanceof ImpError && error.kind === 'unavailable') {
      log.warn({ err: describeError(error), path: request.path }, 'administrator command could not be done');
    } else if (!isCallerError(error)) log.error({ err: error, path: request.path }, 'administrator command failed');
    if (response.headersSent) {
      next(error);
      return;
    }
    response.status(error instanceof ImpError ? STATUS[error.kind] : 500).json({ error: publicError(error) });
  };
}
