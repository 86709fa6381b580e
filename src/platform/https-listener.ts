import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { watchExchanges } from './broken-requests.ts';
import { ImpError } from './errors.ts';
import type { ConnectionCap } from './http-connections.ts';
import type { Log } from './log.ts';

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Takes a connection over that asks for another protocol (RFC 9110 7.8); `head` is what came behind the request. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface TlsMaterial {
  /** PEM. */
  readonly key: string;
  /** PEM, the node's certificate and what chains it. */
  readonly cert: string;
}

export interface HttpsListener {
  readonly name: string;
  /**
   * Serves paths that start with `prefix` (whole segments). The latest mount of a prefix wins; disposing it brings the
   * one before back, so that a room can stand in for a service that is not running.
   */
  mount(prefix: string, handler: HttpHandler): Disposable;
  /** Hands over connections that ask for an upgrade on exactly this path; elsewhere asking is ignored. */
  mountUpgrade(path: string, handler: UpgradeHandler): Disposable;
  /** @throws ImpError `listener.bind` naming address and port. */
  listen(host: string, port: number): Promise<void>;
  /** The port in use, once it listens (0 before); kept when it is closed. */
  readonly port: number;
  /** Takes new key and certificate without closing connections. */
  renew(tls: TlsMaterial): void;
  /** Stops accepting, lets running requests finish for a moment, then cuts. */
  close(): Promise<void>;
}

/** Clients of the SOAP interfaces come back to a connection after hours (docs/http.md); how many they hold is capped. */
const KEEP_ALIVE_MS = 4 * 3_600_000;
const CLOSE_GRACE_MS = 2_000;

const MAX_HEAD_BYTES = 32 * 1024;

/** How long the head of a request may take (and the TLS handshake before it), and the whole of it. */
export interface RequestTimes {
  readonly headMs: number;
  readonly wholeMs: number;
  /** How long a client may take nothing of an answer that waits for it. */
  readonly stallMs: number;
}

export interface HttpListenerOptions {
  /** Default: 30 s, 90 s, 60 s. */
  readonly times?: Partial<RequestTimes>;
  /** Default: no cap. */
  readonly connections?: ConnectionCap;
}

const REQUEST_TIMES: RequestTimes = { headMs: 30_000, wholeMs: 90_000, stallMs: 60_000 };

function timesOf({ times }: HttpListenerOptions): RequestTimes {
  return { ...REQUEST_TIMES, ...times };
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}

function serverOptions({ headMs, wholeMs }: RequestTimes): ServerOptions {
  return {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: headMs,
    requestTimeout: wholeMs,
    // How often Node looks: by default a head may take a minute before it is found to be late.
    connectionsCheckingInterval: Math.ceil(headMs / 6),
    maxHeaderSize: MAX_HEAD_BYTES,
  };
}

/** One HTTPS listener that rooms mount on. TLS 1.2 and later. */
export function createHttpsListener(
  name: string,
  tls: TlsMaterial,
  log: Log,
  options: HttpListenerOptions = {},
): HttpsListener {
  const times = timesOf(options);
  const server: Server & { setSecureContext(options: TlsMaterial): void } = createHttpsServer({
    key: tls.key,
    cert: tls.cert,
    minVersion: 'TLSv1.2',
    handshakeTimeout: times.headMs,
    ...serverOptions(times),
  });
  server.on('tlsClientError', (error) => log.debug({ listener: name, err: error.message }, 'TLS handshake failed'));
  return createListener(name, server, (renewed) => server.setSecureContext(renewed), log, options);
}

/** The same without TLS, for interfaces that old clients reach by plain HTTP. */
export function createHttpListener(name: string, log: Log, options: HttpListenerOptions = {}): HttpsListener {
  const server = createHttpServer(serverOptions(timesOf(options)));
  return createListener(name, server, () => undefined, log, options);
}

function createListener(
  name: string,
  server: Server,
  renew: (tls: TlsMaterial) => void,
  log: Log,
  options: HttpListenerOptions,
): HttpsListener {
  const mounts = new Map<string, HttpHandler[]>();
  const find = (path: string): HttpHandler | undefined => {
    let prefix = path;
    for (;;) {
      const handler = mounts.get(prefix === '' ? '/' : prefix)?.at(-1);
      if (handler) return handler;
      if (prefix === '') return undefined;
      prefix = prefix.slice(0, prefix.lastIndexOf('/'));
    }
  };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const handler = find(pathOf(request));
    if (!handler) {
      request.resume();
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('not found\n');
      return;
    }
    handler(request, response);
  };
  // Node counts a connection from its handshake on; one that is amid it must not hold up the end.
  const connections = new Set<Socket>();
  server.on('connection', (connection: Socket) => {
    // Before the TLS handshake has begun: it costs more than all else.
    if (options.connections?.admit(name, connection) === false) {
      connection.destroy();
      return;
    }
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
  });
  watchExchanges(server, timesOf(options).stallMs);
  server.on('request', serve);
  const upgrades = new Map<string, UpgradeHandler>();
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const handler = upgrades.get(pathOf(request));
    if (handler === undefined) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    // The times of requests are not those of what is spoken from here on.
    request.socket.setTimeout(0);
    handler(request, socket, head);
  };
  let bound = 0;
  return {
    name,
    mount(prefix, handler) {
      const stack = mounts.get(prefix) ?? [];
      stack.push(handler);
      mounts.set(prefix, stack);
      return {
        [Symbol.dispose]: () => {
          const index = stack.indexOf(handler);
          if (index >= 0) stack.splice(index, 1);
        },
      };
    },
    mountUpgrade(path, handler) {
      // Without a listener Node answers such a request like any other.
      if (upgrades.size === 0) server.on('upgrade', onUpgrade);
      upgrades.set(path, handler);
      return {
        [Symbol.dispose]() {
          upgrades.delete(path);
          if (upgrades.size === 0) server.off('upgrade', onUpgrade);
        },
      };
    },
    listen(host, port) {
      return new Promise((resolve, reject) => {
        const onError = (cause: Error): void => {
          reject(new ImpError('unavailable', 'listener.bind', `${name} cannot listen on ${host}:${port}`, { cause }));
        };
        server.once('error', onError);
        server.listen(port, host, () => {
          server.off('error', onError);
          server.on('error', (error) => log.error({ listener: name, err: error.message }, 'listener failed'));
          bound = (server.address() as AddressInfo).port;
          resolve();
        });
      });
    },
    get port() {
      return bound;
    },
    renew,
    close() {
      return new Promise((resolve) => {
        const cut = setTimeout(() => {
          for (const connection of connections) connection.destroy();
        }, CLOSE_GRACE_MS);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}
