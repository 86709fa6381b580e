import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../../platform/clock.ts';
import { describeError } from '../../../platform/errors.ts';
import { HttpBodyError, readBody } from '../../../platform/http-body.ts';
import type { HttpHandler } from '../../../platform/https-listener.ts';
import { newRequestId, withRequest } from '../../../platform/request-context.ts';
import { CONTENT_TYPE, type SoapVersion } from '../../../soap/envelope.ts';
import type { RccCounters } from '../counters.ts';
import { RccError } from '../errors.ts';
import { RCC_TITLE, SOAP_PATH } from '../names.ts';
import type { NodeOrigin } from './documents.ts';
import { type ExchangeNeeds, exchange, refusedAnswer, type SoapAnswer } from './exchange.ts';

export interface RccAppNeeds extends ExchangeNeeds {
  readonly counters: RccCounters;
  readonly clock: Clock;
  readonly wsdl: (origin: NodeOrigin) => string;
  /** Where clients reach this node; asked late, as the port may be known late. */
  readonly origin: () => NodeOrigin;
  readonly maxConcurrentRequests: number;
}

const RETRY_AFTER_SECONDS = '5';

/** The HTTP face, to be mounted on `/rcc-device-selection`. Nothing in it listens. */
export function createRccApp(needs: RccAppNeeds): HttpHandler {
  const { counters } = needs;
  let running = 0;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (running >= needs.maxConcurrentRequests) {
      refuse(request, response, new RccError('rcc.busy', 'too many requests: try again later'));
      counters.soapRequests.labels('none', 'rcc.busy').inc();
      return;
    }
    running += 1;
    const requestId = newRequestId();
    try {
      const body = await readBody(request, needs.clock);
      const answer = await withRequest(requestId, () => exchange(needs, body));
      send(response, answer);
      counters.soapRequests.labels(answer.operation, answer.outcome).inc();
      needs.log.debug({ requestId, operation: answer.operation, outcome: answer.outcome }, 'request answered');
    } catch (error) {
      if (!(error instanceof HttpBodyError)) throw error;
      counters.soapRequests.labels('none', error.code).inc();
      refuse(request, response, new RccError('rcc.bad-request', error.message, { cause: error }), error.status);
    } finally {
      running -= 1;
    }
  };

  return (request, response) => {
    const { method = 'GET', url = '/' } = request;
    const mark = url.indexOf('?');
    const path = (mark < 0 ? url : url.slice(0, mark)).replace(/\/$/, '');
    const isRead = method === 'GET' || method === 'HEAD';
    if (path === SOAP_PATH && method === 'POST') {
      serve(request, response).catch((error: unknown) => {
        needs.log.error({ err: describeError(error) }, 'a request could not be answered');
        response.destroy();
      });
      return;
    }
    request.resume();
    if (path !== SOAP_PATH) sendText(response, 404, 'not found\n');
    else if (isRead && /^wsdl(?:=|&|$)/i.test(url.slice(mark + 1)))
      sendWsdl(response, method, needs.wsdl(needs.origin()));
    else sendText(response, 405, 'method not allowed\n', { allow: 'POST' });
  };
}

/** Stands in for the service while it is off, which it is until somebody activates it. */
export function createRccBusyApp(): HttpHandler {
  return (request, response) => {
    refuse(request, response, new RccError('rcc.stopped', `${RCC_TITLE} is not running`));
  };
}

/** Answers without having read the body, and closes: what is still to come is not wanted. */
function refuse(request: IncomingMessage, response: ServerResponse, fault: RccError, status?: number): void {
  if (!request.complete) response.setHeader('connection', 'close');
  // The version is not known; the media type is the best hint there is.
  const version: SoapVersion = request.headers['content-type']?.startsWith('application/soap+xml') ? '1.2' : '1.1';
  const answer = refusedAnswer(fault, version);
  send(response, status === undefined ? answer : { ...answer, status });
}

function send(
  response: ServerResponse,
  { status, version, body }: Pick<SoapAnswer, 'status' | 'version' | 'body'>,
): void {
  if (status === 503) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
  response.writeHead(status, { 'content-type': CONTENT_TYPE[version], 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function sendText(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers });
  response.end(body);
}

function sendWsdl(response: ServerResponse, method: string, document: string): void {
  response.writeHead(200, {
    'content-type': 'text/xml; charset=utf-8',
    'content-length': Buffer.byteLength(document),
  });
  response.end(method === 'HEAD' ? undefined : document);
}
