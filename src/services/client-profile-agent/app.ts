import type { IncomingMessage, ServerResponse } from 'node:http';
import { describeError } from '../../platform/errors.ts';
import {
  DEFAULT_BODY_LIMITS,
  endRefused,
  HttpBodyError,
  type HttpBodyLimits,
  readBody,
} from '../../platform/http-body.ts';
import type { HttpHandler } from '../../platform/https-listener.ts';
import { newRequestId } from '../../platform/request-context.ts';
import { CONTENT_TYPE, type SoapVersion } from '../../soap/envelope.ts';
import type { InterfaceDocuments, NodeAddress } from './documents.ts';
import { CpaFault } from './errors.ts';
import type { OperationNeeds } from './operation.ts';
import { OPERATIONS } from './operations/index.ts';
import { exchange, RETRY_AFTER_SECONDS, writeFaultAnswer } from './soap-exchange.ts';
import { createRequestReader } from './soap-request.ts';
import { targetOf } from './urls.ts';

export interface AppNeeds extends OperationNeeds {
  readonly documents: InterfaceDocuments;
  /** Where clients reach this node; asked when a WSDL is served, as the port may be known late. */
  readonly address: () => NodeAddress;
  readonly bodyLimits?: HttpBodyLimits;
  /** Requests worked on at once; more are told to try later. */
  readonly maxConcurrentRequests?: number;
}

/** The HTTP face of the Client Profile Agent, to be mounted on `/EPASSoap`. Nothing in it listens. */
export function createClientProfileAgentApp(needs: AppNeeds): HttpHandler {
  const maxConcurrent = needs.maxConcurrentRequests ?? 1_000;
  const bodyLimits = needs.bodyLimits ?? DEFAULT_BODY_LIMITS;
  const reader = createRequestReader(OPERATIONS, needs.loginDatastore.idOf);
  let running = 0;
  const serveSoap = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (running >= maxConcurrent) {
      refuse(request, response, new CpaFault('busy'));
      return;
    }
    running += 1;
    try {
      const body = await readBody(request, needs.clock, bodyLimits);
      const startedAt = needs.clock.monotonic();
      const requestId = newRequestId();
      const answer = await exchange(needs, reader, body, { socket: request.socket, requestId });
      send(response, answer.status, answer.version, answer.body);
      const ms = needs.clock.monotonic() - startedAt;
      const { operation, outcome } = answer;
      needs.counters.answered(operation, outcome, ms / 1_000);
      needs.log.debug({ requestId, operation, outcome, ms }, 'request answered');
    } catch (error) {
      if (!(error instanceof HttpBodyError)) throw error;
      needs.counters.answered('', String(error.status), null);
      refuse(request, response, new CpaFault('notXml', error.message, { status: error.status, cause: error }));
    } finally {
      running -= 1;
    }
  };
  return (request, response) => {
    const target = targetOf(request.url ?? '/');
    const method = request.method ?? 'GET';
    if (target.kind === 'service' && method === 'POST') {
      serveSoap(request, response).catch((error: unknown) => {
        needs.log.error({ err: describeError(error) }, 'a request could not be answered');
        response.destroy();
      });
      return;
    }
    const isRead = method === 'GET' || method === 'HEAD';
    request.resume();
    if (target.kind === 'not-found') sendText(response, 404, 'not found\n');
    else if (target.kind !== 'service') {
      if (isRead) sendDocument(response, method, needs.documents[target.kind]);
      else sendText(response, 405, 'method not allowed\n', { allow: 'GET, HEAD' });
    } else if (isRead && target.isWsdlAsked) {
      sendDocument(response, method, needs.documents.wsdl(needs.address(), target.path));
    } else sendText(response, 405, 'send SOAP requests with POST\n', { allow: 'POST' });
  };
}

/** Stands in for the agent while it is not started: "try later", so that clients do not take it for a wrong password. */
export function createClientProfileAgentBusyApp(): HttpHandler {
  return (request, response) => refuse(request, response, new CpaFault('busy'));
}

/** Answers without having read the body, and closes: what is still to come is not wanted. */
function refuse(request: IncomingMessage, response: ServerResponse, fault: CpaFault): void {
  if (!request.complete) response.setHeader('connection', 'close');
  // The version is not known; the media type is the best hint there is.
  const version = request.headers['content-type']?.startsWith('text/xml') ? '1.1' : '1.2';
  const body = writeFaultAnswer(fault, version);
  writeHead(response, fault.status, version, body);
  endRefused(request, response, body);
}

function send(response: ServerResponse, status: number, version: SoapVersion, body: Buffer | string): void {
  writeHead(response, status, version, body);
  response.end(body);
}

function writeHead(response: ServerResponse, status: number, version: SoapVersion, body: Buffer | string): void {
  if (status === 503) response.setHeader('retry-after', String(RETRY_AFTER_SECONDS));
  response.writeHead(status, {
    'content-type': CONTENT_TYPE[version],
    'content-length': typeof body === 'string' ? Buffer.byteLength(body) : body.length,
  });
}

function sendText(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers });
  response.end(body);
}

function sendDocument(response: ServerResponse, method: string, document: string): void {
  response.writeHead(200, {
    'content-type': 'text/xml; charset=utf-8',
    'content-length': Buffer.byteLength(document),
  });
  response.end(method === 'HEAD' ? undefined : document);
}
