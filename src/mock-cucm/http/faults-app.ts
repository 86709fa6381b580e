import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Clock } from '../../platform/clock.ts';
import { ImpError } from '../../platform/errors.ts';
import { HttpBodyError, readBody } from '../../platform/http-body.ts';
import type { HttpHandler } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import { checkFault, FAULTS, type FaultSwitches } from '../faults.ts';
import type { Store } from '../store/store.ts';
import { readBasic, signIn } from './accounts.ts';

export interface FaultsAppNeeds {
  readonly store: Store;
  readonly faults: FaultSwitches;
  readonly clock: Clock;
  readonly log: Log;
}

const bodySchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

/**
 * `/faults`, for tests of clients (docs/services/mock-cucm.md): GET shows what there is and what is set, POST and PUT set
 * (`{"throttle": 3}`, or a form), DELETE clears all. For accounts that may write by AXL.
 */
export function createFaultsApp(needs: FaultsAppNeeds): HttpHandler {
  const { faults, store, log } = needs;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const basic = readBasic(request.headers.authorization);
    const account = basic && signIn(store.read, basic.name, basic.password);
    if (account?.access !== 'write') {
      request.resume();
      response.setHeader('www-authenticate', 'Basic realm="mock CUCM"');
      reply(response, 401, { error: 'an account that may write by AXL is needed' });
      return;
    }
    switch (request.method) {
      case 'GET':
        break;
      case 'POST':
      case 'PUT': {
        const wanted = readSettings(await readBody(request, needs.clock), request.headers['content-type'] ?? '');
        // All or nothing: a wrong name sets none of the others.
        for (const [name, value] of wanted) checkFault(name, value);
        for (const [name, value] of wanted) await faults.set(name, value);
        break;
      }
      case 'DELETE':
        await faults.clear();
        break;
      default:
        reply(response, 405, { error: 'use GET, POST, PUT or DELETE' });
        return;
    }
    reply(response, 200, { set: faults.list(), faults: FAULTS });
  };
  return (request, response) => {
    answer(request, response).catch((error: unknown) => {
      const status = error instanceof HttpBodyError ? error.status : error instanceof ImpError ? 400 : 500;
      if (status === 500) log.error({ err: error }, 'faults could not be set');
      if (error instanceof HttpBodyError) response.setHeader('connection', 'close');
      reply(response, status, { error: status === 500 ? 'internal error' : (error as Error).message });
    });
  };
}

/** @throws ImpError `mock-cucm.fault-body` */
function readSettings(body: string, type: string): [name: string, value: string][] {
  if (type.includes('application/x-www-form-urlencoded')) return [...new URLSearchParams(body)];
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    throw new ImpError('invalid', 'mock-cucm.fault-body', 'the body must be a JSON object: {"NAME": VALUE}', { cause });
  }
  const parsed = bodySchema.safeParse(json);
  if (!parsed.success) {
    throw new ImpError('invalid', 'mock-cucm.fault-body', 'the body must be a JSON object: {"NAME": VALUE}');
  }
  return Object.entries(parsed.data).map(([name, value]) => [name, String(value ?? '')]);
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}
