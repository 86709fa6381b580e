import { SipError } from '../errors.ts';
import type { NameAddr } from '../values/name-addr.ts';
import { type HeaderField, Headers, headerField } from './headers.ts';
import { NO_BODY, type SipRequest, type SipResponse } from './message.ts';

/** RFC 3261 21 and the extensions that this house speaks. */
const REASONS: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  182: 'Queued',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  204: 'No Notification',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  305: 'Use Proxy',
  380: 'Alternative Service',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  410: 'Gone',
  412: 'Conditional Request Failed',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  421: 'Extension Required',
  423: 'Interval Too Brief',
  430: 'Flow Failed',
  439: 'First Hop Lacks Outbound Support',
  440: 'Max-Breadth Exceeded',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  484: 'Address Incomplete',
  485: 'Ambiguous',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  489: 'Bad Event',
  491: 'Request Pending',
  493: 'Undecipherable',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Server Time-out',
  505: 'Version Not Supported',
  513: 'Message Too Large',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
};

export function reasonPhrase(status: number): string {
  return REASONS[status] ?? 'Unknown';
}

export interface ResponseOptions {
  readonly reason?: string;
  /** The tag of To, where the request has none and the status is not 100 (RFC 3261 8.2.6.2). */
  readonly toTag?: string;
  readonly headers?: Iterable<readonly [string, string]>;
  readonly contentType?: string;
  readonly body?: Buffer | string;
}

const COPIED = new Set(['via', 'from', 'to', 'call-id', 'cseq']);

/**
 * A response to a request (RFC 3261 8.2.6): every Via in order, From, To, Call-ID and CSeq as they came, Timestamp in a
 * 100. Record-Route is copied into what makes a dialog (12.1.1).
 */
export function createResponse(request: SipRequest, status: number, options: ResponseOptions = {}): SipResponse {
  const makesDialog = status > 100 && status < 300;
  const fields: HeaderField[] = [];
  for (const field of request.headers.fields) {
    if (field.key === 'to' && options.toTag !== undefined && status > 100) fields.push(withTag(field, options.toTag));
    else if (COPIED.has(field.key)) fields.push(field);
    else if (field.key === 'record-route' && makesDialog) fields.push(field);
    else if (field.key === 'timestamp' && status === 100) fields.push(field);
  }
  const headers = new Headers(fields);
  for (const [name, value] of options.headers ?? []) headers.add(name, value);
  return {
    kind: 'response',
    status,
    reason: options.reason ?? reasonPhrase(status),
    headers,
    body: withBody(headers, options),
  };
}

/** An unreadable To goes back as it came: it is what the answer is about. */
function withTag(field: HeaderField, tag: string): HeaderField {
  try {
    const to = new Headers([field]).get('to');
    return to === undefined || to.tag !== undefined ? field : headerField(field.name, `${field.value};tag=${tag}`);
  } catch (error) {
    if (!(error instanceof SipError)) throw error;
    return field;
  }
}

export interface RequestOptions {
  readonly method: string;
  /** The Request-URI. */
  readonly uri: string;
  readonly from: NameAddr;
  readonly to: NameAddr;
  readonly callId: string;
  readonly cseq: number;
  readonly maxForwards?: number;
  /** In this order, after the fields above. Via is added when it is sent. */
  readonly headers?: Iterable<readonly [string, string]>;
  readonly contentType?: string;
  readonly body?: Buffer | string;
}

/** A request as RFC 3261 8.1.1 wants it, but for Via, which the endpoint adds. */
export function createRequest(options: RequestOptions): SipRequest {
  const headers = Headers.of([
    ['Max-Forwards', String(options.maxForwards ?? 70)],
    ['From', options.from.toString()],
    ['To', options.to.toString()],
    ['Call-ID', options.callId],
    ['CSeq', `${options.cseq} ${options.method}`],
    ...(options.headers ?? []),
  ]);
  return { kind: 'request', method: options.method, uri: options.uri, headers, body: withBody(headers, options) };
}

function withBody(headers: Headers, options: { contentType?: string; body?: Buffer | string }): Buffer {
  if (options.body === undefined) return NO_BODY;
  if (options.contentType !== undefined) headers.set('Content-Type', options.contentType);
  return typeof options.body === 'string' ? Buffer.from(options.body) : options.body;
}

/** The CANCEL of a request that was sent (RFC 3261 9.1): its top Via alone, Route as it was. */
export function createCancel(request: SipRequest): SipRequest {
  return hopRequest(request, 'CANCEL', request.headers.text('to') ?? '');
}

/** The ACK of a final response other than 2xx (RFC 3261 17.1.1.3): To is the response's. */
export function createAck(request: SipRequest, response: SipResponse): SipRequest {
  return hopRequest(request, 'ACK', response.headers.text('to') ?? '');
}

function hopRequest(request: SipRequest, method: string, to: string): SipRequest {
  const headers = new Headers();
  const topVia = request.headers.fields.find((field) => field.key === 'via');
  if (topVia !== undefined) headers.add('Via', topVia.value);
  for (const route of request.headers.texts('route')) headers.add('Route', route);
  headers
    .add('Max-Forwards', '70')
    .add('From', request.headers.text('from') ?? '')
    .add('To', to)
    .add('Call-ID', request.headers.text('call-id') ?? '')
    .add('CSeq', `${request.headers.get('cseq')?.number ?? 0} ${method}`);
  return { kind: 'request', method, uri: request.uri, headers, body: NO_BODY };
}
