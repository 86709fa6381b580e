import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../../platform/clock.ts';
import { describeError, ImpError } from '../../../platform/errors.ts';
import { endRefused, HttpBodyError, readBody } from '../../../platform/http-body.ts';
import type { HttpHandler } from '../../../platform/https-listener.ts';
import type { Log } from '../../../platform/log.ts';
import { newRequestId, withRequest } from '../../../platform/request-context.ts';
import type { Administrators } from '../../../sign-in/administrators.ts';
import { CONTENT_TYPE, type SoapVersion } from '../../../soap/envelope.ts';
import type { IcsaCounters } from '../counters.ts';
import { InterclusterFault } from '../errors.ts';
import { ICSA_TITLE, SCHEMA_PATH, SOAP_PATH } from '../names.ts';
import { admit } from './access.ts';
import type { InterfaceDocuments, NodeOrigin } from './documents.ts';
import { exchange, faultAnswer, type SoapAnswer } from './exchange.ts';
import type { OperationNeeds } from './operations.ts';

export interface InterclusterAppNeeds {
  readonly operations: OperationNeeds;
  /** Application users who may act for a peer. */
  readonly accounts: Administrators;
  readonly documents: InterfaceDocuments;
  readonly counters: IcsaCounters;
  readonly clock: Clock;
  readonly log: Log;
  /** Where callers reach this node; asked late, as the port may be known late. */
  readonly origin: () => NodeOrigin;
  readonly maxConcurrentRequests: number;
}

const RETRY_AFTER_SECONDS = '5';
const CHALLENGE = 'Basic realm="Intercluster", charset="UTF-8"';

/** The HTTP face, to be mounted on `/intercluster`. Nothing in it listens. */
export function createInterclusterApp(needs: InterclusterAppNeeds): HttpHandler {
  const { counters, log } = needs;
  let running = 0;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    running += 1;
    const requestId = newRequestId();
    try {
      if (running > needs.maxConcurrentRequests)
        throw new InterclusterFault('busy', 'too many requests: try again later');
      const by = await admit(needs.accounts, request);
      const body = await readBody(request, needs.clock);
      const answer = await withRequest(requestId, () => exchange(needs.operations, body, log));
      send(request, response, answer);
      counters.requests.labels(answer.operation, answer.outcome).inc();
      log.debug({ requestId, operation: answer.operation, outcome: answer.outcome, by }, 'request answered');
    } catch (error) {
      const fault = refusalOf(error);
      if (!fault) throw error;
      const answer = faultAnswer(fault, versionOf(request));
      counters.requests.labels('none', answer.outcome).inc();
      log.debug({ requestId, outcome: answer.outcome, err: describeError(error) }, 'request refused');
      send(request, response, error instanceof HttpBodyError ? { ...answer, status: error.status } : answer);
    } finally {
      running -= 1;
    }
  };

  return (request, response) => {
    const { method = 'GET', url = '/' } = request;
    const mark = url.indexOf('?');
    const path = (mark < 0 ? url : url.slice(0, mark)).replace(/\/$/, '');
    if (path === SOAP_PATH && method === 'POST') {
      serve(request, response).catch((error: unknown) => {
        log.error({ err: describeError(error) }, 'a request could not be answered');
        response.destroy();
      });
      return;
    }
    request.resume();
    const isRead = method === 'GET' || method === 'HEAD';
    const isWsdl = path === SOAP_PATH && /^wsdl(?:=|&|$)/i.test(mark < 0 ? '' : url.slice(mark + 1));
    if (isRead && (isWsdl || path === SCHEMA_PATH)) {
      sendDocument(response, method, isWsdl ? needs.documents.wsdl(needs.origin()) : needs.documents.schema);
    } else if (path === SOAP_PATH) sendText(response, 405, 'method not allowed\n', { allow: 'POST' });
    else sendText(response, 404, 'not found\n');
  };
}

/** Stands in for the service while it is not running. */
export function createInterclusterBusyApp(): HttpHandler {
  return (request, response) => {
    const fault = new InterclusterFault('stopped', `${ICSA_TITLE} is not running`);
    send(request, response, faultAnswer(fault, versionOf(request)));
  };
}

/** What a refusal is told as; undefined for a mistake of ours. */
function refusalOf(error: unknown): ImpError | undefined {
  if (error instanceof HttpBodyError) return new InterclusterFault('bad-request', error.message, { cause: error });
  return error instanceof ImpError && error.kind !== 'internal' ? error : undefined;
}

/** The version is not known before the body is; the media type is the best hint there is. */
function versionOf(request: IncomingMessage): SoapVersion {
  return request.headers['content-type']?.startsWith('application/soap+xml') ? '1.2' : '1.1';
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, version, body }: Pick<SoapAnswer, 'status' | 'version' | 'body'>,
): void {
  if (status === 503) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
  if (status === 401) response.setHeader('www-authenticate', CHALLENGE);
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(status, { 'content-type': CONTENT_TYPE[version], 'content-length': Buffer.byteLength(body) });
  endRefused(request, response, body);
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
