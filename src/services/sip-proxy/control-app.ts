import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../platform/clock.ts';
import { describeError } from '../../platform/errors.ts';
import { HttpBodyError, readBody } from '../../platform/http-body.ts';
import type { HttpHandler } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import { configChangedSchema, type RunningAnswer } from '../../rpc/handover/answer.ts';

export interface ControlNeeds {
  readonly configuration: {
    answer(): RunningAnswer;
    configChanged(version: number): Promise<RunningAnswer>;
  };
  /** Hears of each request; `isIpc`: that the configuration has changed. */
  readonly onRequest?: (isIpc: boolean) => void;
  readonly clock: Clock;
  readonly log: Log;
}

const LIMITS = { maxBytes: 4096, timeoutMs: 10_000 };

/**
 * The control interface (docs/services/sip-proxy.md): `POST /config-changed` and `GET /config-version`. Both answer
 * with what runs; 409 says that the announced version was refused.
 */
export function createControlApp(needs: ControlNeeds): HttpHandler {
  const { configuration } = needs;

  const changed = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let announced: unknown;
    try {
      announced = JSON.parse(await readBody(request, needs.clock, LIMITS));
    } catch (error) {
      const status = error instanceof HttpBodyError ? error.status : 400;
      refuse(response, status, error instanceof HttpBodyError ? error.message : 'the body is not JSON');
      return;
    }
    const read = configChangedSchema.safeParse(announced);
    if (!read.success) {
      refuse(response, 400, 'the body is not {"version": N}');
      return;
    }
    const answer = await configuration.configChanged(read.data.version);
    send(response, answer.refused === null ? 200 : 409, answer);
  };

  return (request, response) => {
    const path = request.url ?? '/';
    needs.onRequest?.(path === '/config-changed');
    if (path === '/config-changed' && request.method === 'POST') {
      changed(request, response).catch((error: unknown) => {
        needs.log.error({ err: describeError(error) }, 'configuration change could not be handled');
        refuse(response, 500, 'internal error');
      });
      return;
    }
    request.resume();
    if (path === '/config-version' && request.method === 'GET') send(response, 200, configuration.answer());
    else if (path === '/config-changed' || path === '/config-version') refuse(response, 405, 'method not allowed');
    else refuse(response, 404, 'not found');
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

function refuse(response: ServerResponse, status: number, message: string): void {
  if (status === 408 || status === 413) response.setHeader('connection', 'close');
  send(response, status, { error: message });
}
