import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** The last request of a connection that could be read, and the answer that goes out before its own. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly before: ServerResponse | undefined;
}

/** Where a connection's last exchange hangs: looked at for every request, which in a map of its own would cost more. */
const LAST = Symbol('last exchange');
type Tracked = Duplex & { [LAST]?: Exchange | undefined };

/** How long a client may take to read why it is refused. Cut at once, it would often see a reset connection instead. */
const LINGER_MS = 2_000;

/**
 * Answers what is no HTTP, comes too slowly or has too large a head, and closes the connection. Requests that came
 * before on the connection are answered first: clients tell answers by their order alone (RFC 9112 section 9.3.2).
 * Cuts a client that for `stallMs` takes nothing of its answer; one that only waits for what is worked on stays.
 */
export function watchExchanges(server: Server, stallMs: number): void {
  const broken = new WeakSet<Duplex>();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    // Kept here: Node takes it off a request whose body somebody stops reading half way.
    const socket: Tracked = request.socket;
    const before = socket[LAST]?.response;
    const exchange = { request, response, before: isPending(before) ? before : undefined };
    socket[LAST] = exchange;
    // An idle connection keeps nothing, unless the body of a request that is answered is still to come.
    response.on('close', () => {
      if (request.complete && socket[LAST] === exchange) socket[LAST] = undefined;
    });
  });
  server.timeout = stallMs;
  // Heard of idle connections too, whose time is longer; with a listener Node leaves it to that to cut them.
  server.on('timeout', (socket: Socket & Tracked) => {
    if (socket.writableLength > 0 || socket[LAST] === undefined) socket.destroy();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Tracked) => {
    // Said again for each piece that follows, and when the time is up.
    if (broken.has(socket)) return;
    broken.add(socket);
    const last = socket[LAST];
    if (!last || last.request.complete) {
      afterAnswer(last?.response, () => close(socket, statusLineOf(error)));
      return;
    }
    // It is the last request itself whose body broke off.
    const { before, response } = last;
    afterAnswer(before, () => {
      if (!response.headersSent) close(socket, statusLineOf(error));
      else if (response.writableEnded) afterAnswer(response, () => close(socket));
      // Half an answer that ends early is seen to be none.
      else socket.destroy();
    });
  });
}

function isPending(response: ServerResponse | undefined): response is ServerResponse {
  return response !== undefined && !response.writableFinished && !response.destroyed;
}

function afterAnswer(response: ServerResponse | undefined, act: () => void): void {
  if (isPending(response)) response.once('close', act);
  else act();
}

function close(socket: Duplex, statusLine?: string): void {
  if (socket.destroyed) return;
  const cut = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(cut));
  if (socket.writableEnded) return;
  if (statusLine === undefined) socket.end();
  else socket.end(`HTTP/1.1 ${statusLine}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function statusLineOf({ code }: NodeJS.ErrnoException): string | undefined {
  switch (code) {
    // Not broken: Node cannot keep requests that come in further TLS records of one piece while it waits for a client
    // to read. Those that it has read are answered; a client sends the others again (RFC 9112 section 9.3.2).
    case 'HPE_PAUSED':
      return undefined;
    case 'HPE_HEADER_OVERFLOW':
      return '431 Request Header Fields Too Large';
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return '413 Payload Too Large';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return '408 Request Timeout';
    default:
      return '400 Bad Request';
  }
}
