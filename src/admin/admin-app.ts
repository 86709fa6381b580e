import express, { type Express, type Request } from 'express';
import helmet from 'helmet';
import type { HttpHandler } from '../platform/https-listener.ts';
import type { Log } from '../platform/log.ts';
import type { Administrators } from '../sign-in/administrators.ts';
import { refuseCrossSite, sessionIdOf } from './access/browser.ts';
import type { Caller } from './access/caller.ts';
import { AccessError, type Credentials, createCredentials } from './access/credentials.ts';
import { createSessions, type Sessions } from './access/sessions.ts';
import { createApi } from './api.ts';
import { createCommandRunner } from './command-runner.ts';
import { createConsole } from './console/app.ts';
import type { AdminContext } from './context.ts';
import { createControlCenterApp } from './control-center/app.ts';
import { addressOf } from './http.ts';
import { openApiDocument } from './openapi.ts';

export interface AdminNeeds {
  readonly context: AdminContext;
  readonly administrators: Administrators;
  /** The token of the data folder. */
  readonly token: string;
  readonly log: Log;
  /** Where clients reach this node; asked late, as the port may be known late. */
  readonly origin: () => { readonly host: string; readonly port: number };
}

/** The faces of administration, each to be mounted on its path. */
export interface AdminFaces {
  /** `/admin`: the JSON API and the console. */
  readonly admin: HttpHandler;
  /** `/controlcenterservice2`. */
  readonly controlCenter: HttpHandler;
}

/** Everything an administrator reaches over HTTPS. All faces run the same commands (docs/administration.md). */
export async function createAdminFaces(needs: AdminNeeds): Promise<AdminFaces> {
  const { context, log } = needs;
  const { audit, clock } = context;
  const credentials = createCredentials({ ...needs, audit, clock });
  const sessions = createSessions(clock, needs.administrators);
  const runner = createCommandRunner(needs);
  const app = createApp(context.node.version);
  app.use(
    '/admin/api',
    createApi({ runner, log, authenticate: (request) => callerOf(request, credentials, sessions) }),
  );
  app.get('/admin', (_request, response) => response.redirect(308, '/admin/'));
  app.use('/admin', createConsole({ context, credentials, sessions, runner, log }));
  return { admin: app, controlCenter: await createControlCenterApp({ ...needs, credentials, runner, clock }) };
}

/** Nothing inline and nothing from elsewhere runs or is shown on a page of ours; no other site can frame one. */
function createApp(version: string): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.set('strict routing', true);
  app.use(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          'default-src': ["'none'"],
          'script-src': ["'self'"],
          'style-src': ["'self'"],
          'img-src': ["'self'"],
          'connect-src': ["'self'"],
          'form-action': ["'self'"],
          'base-uri': ["'none'"],
          'frame-ancestors': ["'none'"],
        },
      },
      xFrameOptions: { action: 'deny' },
      // With no-referrer browsers would hide the origin of our own forms as well.
      referrerPolicy: { policy: 'same-origin' },
      // A node under a name of its own decides for that name only, and often stands on a port beside others.
      strictTransportSecurity: false,
    }),
  );
  const document = openApiDocument(version);
  app.get('/admin/api/openapi.json', (_request, response) => {
    response.json(document);
  });
  return app;
}

/** A token or a password; else the session of the console, which changes something only for a page of ours. */
async function callerOf(request: Request, credentials: Credentials, sessions: Sessions): Promise<Caller> {
  const id = sessionIdOf(request);
  const { authorization } = request.headers;
  if (id === undefined || authorization !== undefined) {
    return await credentials.byHeader(authorization, 'api', addressOf(request));
  }
  const found = await sessions.find(id, addressOf(request), false);
  if (!found) throw new AccessError('admin.unauthorized', 'the session has ended: sign in again');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    refuseCrossSite(request);
    if (!sessions.isCsrfToken(found.session, request.get('x-csrf-token') ?? '')) {
      throw new AccessError('admin.cross-site', 'the token of the session is needed in x-csrf-token');
    }
  }
  return { ...found.caller, face: 'api' };
}
