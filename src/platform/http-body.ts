import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from './clock.ts';
import { ImpError } from './errors.ts';

export type HttpBodyErrorCode =
  | 'http.body-too-large'
  | 'http.body-timeout'
  | 'http.body-encoding'
  | 'http.body-aborted';

export class HttpBodyError extends ImpError {
  override readonly name = 'HttpBodyError';
  declare readonly code: HttpBodyErrorCode;
  /** The HTTP status that fits: 413, 408, 415 or 400. */
  readonly status: number;
  constructor(code: HttpBodyErrorCode, status: number, message: string) {
    super('invalid', code, message);
    this.status = status;
  }
}

export interface HttpBodyLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** What hangs on it runs when all is done that one piece from the network has led to; a tick of its own costs more. */
const AFTER_READING = Promise.resolve();
const UTF_8 = new TextDecoder('utf-8', { fatal: true });

/** How long what is still being sent is dropped after a refusal. */
const LINGER_MS = 2_000;

/** 1 MiB and 60 s (the default of every HTTP interface). */
export const DEFAULT_BODY_LIMITS: HttpBodyLimits = { maxBytes: 1024 * 1024, timeoutMs: 60_000 };

/**
 * Reads a whole request body as UTF-8, bounded in size and time. An encoded body (gzip …) is refused rather than
 * inflated. On refusal the caller answers with `error.status`, through `endRefused`.
 * @throws HttpBodyError
 */
export function readBody(request: IncomingMessage, clock: Clock, limits = DEFAULT_BODY_LIMITS): Promise<string> {
  return new Promise((resolve, reject) => {
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
      reject(new HttpBodyError('http.body-encoding', 415, 'an encoded request body is not accepted'));
      return;
    }
    const tooLarge = (): HttpBodyError =>
      new HttpBodyError('http.body-too-large', 413, `the request body is larger than ${limits.maxBytes} bytes`);
    // Not a number in a chunked body.
    const length = Number(request.headers['content-length']);
    if (length > limits.maxBytes) {
      reject(tooLarge());
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    let isDone = false;
    let timer: Disposable | undefined;
    // Listeners stay where they are: taking them off again costs more than asking this flag.
    const finish = (error?: HttpBodyError): void => {
      if (isDone) return;
      isDone = true;
      timer?.[Symbol.dispose]();
      if (error) {
        request.pause();
        reject(error);
        return;
      }
      try {
        resolve(UTF_8.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
      } catch {
        reject(new HttpBodyError('http.body-encoding', 400, 'the request body is not UTF-8'));
      }
    };
    request.on('data', (chunk: Buffer) => {
      if (isDone) return;
      bytes += chunk.length;
      if (bytes > limits.maxBytes) finish(tooLarge());
      else chunks.push(chunk);
    });
    request.on('end', () => finish());
    // Heard after every request, and an error is dear to make.
    request.on('close', () => {
      if (!isDone) finish(new HttpBodyError('http.body-aborted', 400, 'the request was cut off'));
    });
    // Most bodies come in one piece with their head, and are all here by now: those need no timer.
    void AFTER_READING.then(() => {
      if (isDone || bytes === length) return;
      timer = clock.schedule(limits.timeoutMs, () =>
        finish(new HttpBodyError('http.body-timeout', 408, 'the request body did not arrive in time')),
      );
    });
  });
}

/**
 * Ends the answer to a request whose body has not been read; its head must be written, with the length of `body`. The
 * answer is out at once, the connection closes after it. What the client still sends meanwhile is dropped for a moment:
 * closed in the middle of it the connection would be reset, and many a client would never see why it was refused.
 */
export function endRefused(request: IncomingMessage, response: ServerResponse, body: Buffer | string): void {
  if (request.complete) {
    response.end(body);
    return;
  }
  response.write(body);
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.once('end', end);
  request.once('close', end);
  request.resume();
}
