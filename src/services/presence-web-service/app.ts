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
import { newRequestId, withRequest } from '../../platform/request-context.ts';
import { CONTENT_TYPE } from '../../soap/envelope.ts';
import { XML_DECLARATION } from '../../xml/write.ts';
import { type InterfaceDocuments, type NodeAddress, originOf } from './documents.ts';
import { PwsFault } from './errors.ts';
import { BASE_PATH, SCHEMA_PATH, SOAP_PATH } from './names.ts';
import type { ActionNeeds } from './needs.ts';
import { faultAnswer, methodsOf, restExchange } from './rest/rest-exchange.ts';
import { type RestTarget, restTargetOf } from './rest/rest-target.ts';
import { exchange, writeFaultAnswer } from './soap/soap-exchange.ts';

export interface AppNeeds extends ActionNeeds {
  readonly documents: InterfaceDocuments;
  /** Where clients reach this node on the listener that serves the app; asked late, as the port may be known late. */
  readonly address: () => NodeAddress;
  /** Port of the HTTPS listener. */
  readonly httpsPort: () => number;
  readonly bodyLimits?: HttpBodyLimits;
  /** Requests worked on at once; more are told to try later. */
  readonly maxConcurrentRequests?: number;
}

type Target = { readonly kind: 'soap'; readonly isWsdlAsked: boolean } | { readonly kind: 'schema' } | RestTarget;

/** What an exchange answers, in the terms of HTTP. */
interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly operation: string;
  readonly outcome: string;
}

const REST_CONTENT_TYPE = CONTENT_TYPE['1.1'];
const RETRY_AFTER_SECONDS = '5';

/** The HTTP face of the Presence Web Service, to be mounted on `/presence-service`. Nothing in it listens. */
export function createPresenceWebServiceApp(needs: AppNeeds): HttpHandler {
  const maxConcurrent = needs.maxConcurrentRequests ?? 1_000;
  let running = 0;

  const work = async (request: IncomingMessage, target: RestTarget | { readonly kind: 'soap' }): Promise<Answer> => {
    // A body of GET is left over from another request: it is not looked at.
    const isRead = request.method !== 'GET';
    if (!isRead) request.resume();
    const body = isRead ? await readRequest(request, needs) : '';
    const caller = { address: request.socket.remoteAddress ?? '' };
    if (target.kind === 'soap') {
      const { version, ...answer } = await exchange(needs, body, caller);
      return { ...answer, headers: { 'content-type': CONTENT_TYPE[version] } };
    }
    const { method = 'GET', headers } = request;
    const answer = await restExchange(
      needs,
      { method, headers, body, caller, origin: originOf(needs.address()), httpsPort: needs.httpsPort() },
      target,
    );
    return { ...answer, ...withBody(answer.headers, answer.body) };
  };

  const serve = async (
    request: IncomingMessage,
    response: ServerResponse,
    target: RestTarget | { readonly kind: 'soap' },
  ): Promise<void> => {
    const face = target.kind === 'soap' ? 'soap' : 'rest';
    if (running >= maxConcurrent || needs.overload.isOverloaded) {
      refuse(request, response, face, new PwsFault('overloaded'));
      needs.counters.requests.labels(face, 'none', '210').inc();
      return;
    }
    running += 1;
    const startedAt = needs.clock.monotonic();
    const requestId = newRequestId();
    try {
      const answer = await withRequest(requestId, () => work(request, target));
      send(response, answer);
      const ms = needs.clock.monotonic() - startedAt;
      const operation = answer.operation === '' ? 'none' : answer.operation;
      needs.counters.requests.labels(face, operation, answer.outcome).inc();
      needs.counters.seconds.labels(face, operation).observe(ms / 1_000);
      needs.log.debug({ requestId, face, operation, outcome: answer.outcome, ms }, 'request answered');
    } catch (error) {
      if (!(error instanceof PwsFault)) throw error;
      needs.counters.requests.labels(face, 'none', String(error.number)).inc();
      refuse(request, response, face, error);
    } finally {
      running -= 1;
    }
  };

  return (request, response) => {
    const target = targetOf(request.url ?? '/');
    const method = request.method ?? 'GET';
    const isRead = method === 'GET' || method === 'HEAD';
    if (target.kind === 'schema' || (target.kind === 'soap' && isRead && target.isWsdlAsked)) {
      request.resume();
      const document = target.kind === 'schema' ? needs.documents.schema : needs.documents.wsdl(needs.address());
      if (isRead) sendDocument(response, method, document);
      else sendText(response, 405, 'method not allowed\n', { allow: 'GET, HEAD' });
      return;
    }
    const allowed = target.kind === 'soap' ? ['POST'] : methodsOf(target);
    if (!allowed.includes(method)) {
      request.resume();
      if (allowed.length === 0) sendText(response, 404, 'not found\n');
      else sendText(response, 405, 'method not allowed\n', { allow: allowed.join(', ') });
      return;
    }
    serve(request, response, target).catch((error: unknown) => {
      needs.log.error({ err: describeError(error) }, 'a request could not be answered');
      response.destroy();
    });
  };
}

/** Stands in for the service while it is not started: "try later". */
export function createPresenceWebServiceBusyApp(): HttpHandler {
  return (request, response) => {
    const face = targetOf(request.url ?? '/').kind === 'soap' ? 'soap' : 'rest';
    refuse(request, response, face, new PwsFault('overloaded'));
  };
}

function targetOf(url: string): Target {
  const mark = url.indexOf('?');
  let path = mark < 0 ? url : url.slice(0, mark);
  if (path.endsWith('/')) path = path.slice(0, -1);
  if (path === SOAP_PATH) return { kind: 'soap', isWsdlAsked: mark >= 0 && isWsdl(url.slice(mark + 1)) };
  if (path === SCHEMA_PATH) return { kind: 'schema' };
  return path.startsWith(`${BASE_PATH}/`) ? restTargetOf(url) : { kind: 'not-found' };
}

/** `?wsdl` in any case, as the name of any parameter. */
function isWsdl(query: string): boolean {
  return query.split('&').some((part) => (part.split('=')[0] as string).toLowerCase() === 'wsdl');
}

async function readRequest(request: IncomingMessage, needs: AppNeeds): Promise<string> {
  try {
    return await readBody(request, needs.clock, needs.bodyLimits ?? DEFAULT_BODY_LIMITS);
  } catch (error) {
    if (!(error instanceof HttpBodyError)) throw error;
    throw new PwsFault('unreadableBody', error.message, { status: error.status, cause: error });
  }
}

/** Answers without having read the body, and closes: what is still to come is not wanted. */
function refuse(request: IncomingMessage, response: ServerResponse, face: 'soap' | 'rest', fault: PwsFault): void {
  if (!request.complete) response.setHeader('connection', 'close');
  // The version is not known; the media type is the best hint there is.
  const version = request.headers['content-type']?.startsWith('application/soap+xml') ? '1.2' : '1.1';
  const answer =
    face === 'rest'
      ? { status: fault.restStatus, ...withBody(undefined, faultAnswer(fault).body) }
      : {
          status: fault.soapStatus,
          headers: { 'content-type': CONTENT_TYPE[version] },
          body: writeFaultAnswer(fault, version),
        };
  writeHead(response, answer);
  endRefused(request, response, answer.body);
}

function withBody(
  headers: Readonly<Record<string, string>> | undefined,
  body: string | undefined,
): Pick<Answer, 'headers' | 'body'> {
  if (body === undefined) return { headers: { ...headers }, body: '' };
  return { headers: { ...headers, 'content-type': REST_CONTENT_TYPE }, body: XML_DECLARATION + body };
}

type Written = Pick<Answer, 'status' | 'headers' | 'body'>;

function send(response: ServerResponse, answer: Written): void {
  writeHead(response, answer);
  response.end(answer.body);
}

function writeHead(response: ServerResponse, { status, headers, body }: Written): void {
  if (status === 503) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
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
