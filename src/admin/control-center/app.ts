import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../platform/clock.ts';
import { describeError, ImpError } from '../../platform/errors.ts';
import { endRefused, HttpBodyError, readBody } from '../../platform/http-body.ts';
import type { HttpHandler } from '../../platform/https-listener.ts';
import { newRequestId } from '../../platform/request-context.ts';
import { CONTENT_TYPE } from '../../soap/envelope.ts';
import { AccessError, type Credentials } from '../access/credentials.ts';
import { addressOf } from '../http.ts';
import { loadWsdl, type NodeOrigin } from './documents.ts';
import { type ExchangeNeeds, exchange, refusedAnswer, type SoapAnswer } from './exchange.ts';
import { SOAP_PATH } from './names.ts';

export interface ControlCenterNeeds extends ExchangeNeeds {
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly origin: () => NodeOrigin;
}

const MOST_AT_ONCE = 32;
const RETRY_SECONDS = '60';

/**
 * The Control Center over SOAP, to be mounted on `/controlcenterservice2`. Every request proves itself by HTTP Basic
 * before its body is read; the WSDL is anybody's.
 */
export async function createControlCenterApp(needs: ControlCenterNeeds): Promise<HttpHandler> {
  const wsdl = await loadWsdl();
  let running = 0;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    running += 1;
    try {
      if (running > MOST_AT_ONCE) throw new ImpError('unavailable', 'control-center.busy', 'too many requests');
      const caller = await needs.credentials.byHeader(request.headers.authorization, 'soap', addressOf(request));
      const body = await readBody(request, needs.clock);
      const hostHeader = request.headers.host ?? '';
      send(
        response,
        await exchange(needs, { body, caller, hostHeader, requestId: newRequestId(), signal: gone.signal }),
      );
    } catch (error) {
      refuse(request, response, error);
    } finally {
      running -= 1;
    }
  };

  const refuse = (request: IncomingMessage, response: ServerResponse, error: unknown): void => {
    if (error instanceof AccessError) {
      if (error.status === 401) response.setHeader('www-authenticate', 'Basic realm="imp-gateway"');
      if (error.status === 429) response.setHeader('retry-after', RETRY_SECONDS);
      refuseInText(request, response, error.status, error.message);
      return;
    }
    const status = error instanceof HttpBodyError ? error.status : undefined;
    const answer = refusedAnswer(needs.log, error);
    const body = Buffer.from(answer.body, 'utf8');
    if (!request.complete) response.setHeader('connection', 'close');
    response.writeHead(status ?? answer.status, {
      'content-type': CONTENT_TYPE[answer.version],
      'content-length': body.length,
    });
    endRefused(request, response, body);
  };

  return (request, response) => {
    const { method = 'GET', url = '/' } = request;
    const mark = url.indexOf('?');
    const path = (mark < 0 ? url : url.slice(0, mark)).replace(/\/$/, '');
    if (path !== SOAP_PATH) refuseInText(request, response, 404, 'not found');
    else if (method === 'POST') {
      serve(request, response).catch((error: unknown) => {
        needs.log.error({ err: describeError(error) }, 'a Control Center request could not be answered');
        response.destroy();
      });
    } else if ((method === 'GET' || method === 'HEAD') && /^wsdl(?:=|&|$)/i.test(url.slice(mark + 1))) {
      sendWsdl(response, method, wsdl(needs.origin()));
    } else {
      response.setHeader('allow', 'POST');
      refuseInText(request, response, 405, 'method not allowed');
    }
  };
}

function send(response: ServerResponse, { status, version, body }: SoapAnswer): void {
  response.writeHead(status, { 'content-type': CONTENT_TYPE[version], 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function refuseInText(request: IncomingMessage, response: ServerResponse, status: number, sentence: string): void {
  const body = `${sentence}\n`;
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  endRefused(request, response, body);
}

function sendWsdl(response: ServerResponse, method: string, wsdl: string): void {
  response.writeHead(200, { 'content-type': 'text/xml; charset=utf-8', 'content-length': Buffer.byteLength(wsdl) });
  response.end(method === 'HEAD' ? undefined : wsdl);
}
