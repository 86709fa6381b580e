import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** The last request of a connection that could be read, and the answer that goes out before its own. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly before: ServerResponse | undefined;
}

/** How long a client may take to read why it is refused. Cut at once, it would often see a reset connection instead. */
const LINGER_MS = 2_000;

/**
 * Answers what is no HTTP, comes too slowly or has too large a head, and closes the connection. Requests that came
 * before on the connection are answered first: clients tell answers by their order alone (RFC 9112 section 9.3.2).
 */
export function refuseBrokenRequests(server: Server): void {
  const exchanges = new WeakMap<Duplex, Exchange>();
  const broken = new WeakSet<Duplex>();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const before = exchanges.get(socket)?.response;
    const exchange = { request, response, before: isPending(before) ? before : undefined };
    exchanges.set(socket, exchange);
    // An idle connection keeps nothing, unless the body of a request that is answered is still to come.
    response.on('close', () => {
      if (request.complete && exchanges.get(socket) === exchange) exchanges.delete(socket);
    });
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // Said again for each piece that follows, and when the time is up.
    if (broken.has(socket)) return;
    broken.add(socket);
    const last = exchanges.get(socket);
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
