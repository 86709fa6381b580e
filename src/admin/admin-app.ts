import express, { type Express } from 'express';
import helmet from 'helmet';
import type { HttpHandler } from '../platform/https-listener.ts';
import type { Log } from '../platform/log.ts';
import type { Administrators } from '../sign-in/administrators.ts';
import { type Credentials, createCredentials } from './access/credentials.ts';
import { createApi } from './api.ts';
import type { AuditLog } from './audit-log.ts';
import { createCommandRunner } from './command-runner.ts';
import type { AdminContext } from './context.ts';
import { createControlCenterApp } from './control-center/app.ts';
import { addressOf } from './http.ts';

export interface AdminNeeds {
  readonly context: AdminContext;
  readonly administrators: Administrators;
  readonly audit: AuditLog;
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
  const credentials = createCredentials(needs);
  const runner = createCommandRunner(needs);
  return {
    admin: createAdminApp(needs, credentials, runner),
    controlCenter: await createControlCenterApp({ ...needs, credentials, runner, clock: needs.context.clock }),
  };
}

function createAdminApp(
  { log }: AdminNeeds,
  credentials: Credentials,
  runner: ReturnType<typeof createCommandRunner>,
): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(helmet());
  app.use(
    '/admin/api',
    createApi({
      runner,
      log,
      authenticate: (request) => credentials.byHeader(request.headers.authorization, 'api', addressOf(request)),
    }),
  );
  return app;
}
