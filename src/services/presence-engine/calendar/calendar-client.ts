import { createSecureContext, getCACertificates } from 'node:tls';
import { Agent, type Dispatcher, request } from 'undici';
import type { Clock } from '../../../platform/clock.ts';
import { describeError } from '../../../platform/errors.ts';

/** By what the server told when it last gave the calendar (RFC 9110 8.8): sent back to hear whether it is still so. */
export interface Validators {
  readonly etag: string;
  readonly lastModified: string;
}

/** No answer holds an address: it may be a secret. */
export type CalendarAnswer =
  | { readonly kind: 'calendar'; readonly text: string; readonly validators: Validators }
  | { readonly kind: 'unchanged' }
  /** The server has none for us. */
  | { readonly kind: 'none'; readonly reason: string }
  /** What it sent is not taken. */
  | { readonly kind: 'bad'; readonly reason: string }
  /** The server is not there, or wants to be left alone: `retryMs` as it says. */
  | { readonly kind: 'away'; readonly reason: string; readonly retryMs: number | null };

export interface CalendarClient extends AsyncDisposable {
  fetch(
    url: string,
    validators: Validators | undefined,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<CalendarAnswer>;
}

export interface CalendarClientOptions {
  /** PEM of authorities trusted besides the system's own. */
  readonly ca: readonly string[];
  /** Queries at a time. */
  readonly connections: number;
  readonly maxBytes: number;
}

const MOST_REDIRECTS = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** undici's own time-outs run by the machine's clock; ours decides, and comes first. */
const BEHIND_OURS_MS = 10 * 60_000;

/** Verified TLS, no proxies; redirects only with the same scheme; sizes and times are bounded. */
export function createCalendarClient(clock: Clock, options: CalendarClientOptions): CalendarClient {
  const { ca, connections, maxBytes } = options;
  const secureContext = createSecureContext({ ca: [...getCACertificates('default'), ...ca], minVersion: 'TLSv1.2' });
  const agent = new Agent({
    connections,
    pipelining: 1,
    headersTimeout: BEHIND_OURS_MS,
    bodyTimeout: BEHIND_OURS_MS,
    connect: { timeout: BEHIND_OURS_MS, secureContext },
  });

  const answerOf = async (
    url: URL,
    validators: Validators | undefined,
    signal: AbortSignal,
    redirects: number,
  ): Promise<CalendarAnswer> => {
    const answer = await request(url, { method: 'GET', dispatcher: agent, signal, headers: headersFor(validators) });
    const { statusCode: status, headers } = answer;
    const reason = `status ${status}`;
    if (status === 200) return await readBody(answer, maxBytes);
    await answer.body.dump({ limit: maxBytes });
    if (status === 304) return { kind: 'unchanged' };
    if (REDIRECTS.has(status)) {
      const target = URL.parse(textOf(headers.location), url.href);
      if (target === null || redirects >= MOST_REDIRECTS) return { kind: 'bad', reason };
      if (target.protocol !== url.protocol) return { kind: 'bad', reason: `${reason} to another scheme` };
      return await answerOf(target, validators, signal, redirects + 1);
    }
    if (status === 429 || status >= 500) return { kind: 'away', reason, retryMs: retryOf(headers, clock.now()) };
    return { kind: 'none', reason };
  };

  return {
    async fetch(url, validators, timeoutMs, signal) {
      const late = new AbortController();
      const timer = clock.schedule(timeoutMs, () => late.abort(new Error('no answer in time')));
      try {
        return await answerOf(new URL(url), validators, AbortSignal.any([signal, late.signal]), 0);
      } catch (error) {
        return { kind: 'away', reason: describeError(error), retryMs: null };
      } finally {
        timer[Symbol.dispose]();
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

function headersFor(validators: Validators | undefined): Record<string, string> {
  return {
    accept: 'text/calendar',
    'accept-encoding': 'identity',
    ...(validators?.etag ? { 'if-none-match': validators.etag } : {}),
    ...(validators?.lastModified ? { 'if-modified-since': validators.lastModified } : {}),
  };
}

async function readBody({ body, headers }: Dispatcher.ResponseData, maxBytes: number): Promise<CalendarAnswer> {
  const encoding = textOf(headers['content-encoding']);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const refuse = (reason: string): CalendarAnswer => {
    body.on('error', () => undefined);
    body.destroy();
    return { kind: 'bad', reason };
  };
  // What is small when it comes may be large when it is unpacked.
  if (encoding !== '' && encoding.toLowerCase() !== 'identity') return refuse('it is sent compressed');
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return refuse(`it has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const validators = { etag: textOf(headers.etag), lastModified: textOf(headers['last-modified']) };
  return { kind: 'calendar', text: Buffer.concat(chunks).toString('utf8'), validators };
}

/** Retry-After in milliseconds (RFC 9110 10.2.3); null when it is not told. */
function retryOf(headers: Dispatcher.ResponseData['headers'], now: number): number | null {
  const text = textOf(headers['retry-after']);
  if (/^\d{1,6}$/.test(text)) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

function textOf(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}
