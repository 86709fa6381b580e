import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { z } from 'zod';
import type { Clock } from '../platform/clock.ts';
import { describeError, ImpError, isCallerError } from '../platform/errors.ts';
import type { TlsMaterial } from '../platform/https-listener.ts';
import type { Log } from '../platform/log.ts';
import { errorObject, RPC_NUMBER, RpcError } from './errors.ts';
import { createLineSplitter } from './lines.ts';
import { errorLine, parseMessage, type RpcMessage, resultLine } from './message.ts';

/** A method: its parameters are checked before `handle` sees them; what it throws becomes the error object. */
export interface RpcMethod<Params = unknown> {
  readonly params: z.ZodType<Params>;
  /** The signal is aborted when the caller is gone or the server closes. */
  handle(params: Params, signal: AbortSignal): Promise<unknown>;
}

/** Lets the compiler check a method's handler against its own parameters. */
export function rpcMethod<Params>(method: RpcMethod<Params>): RpcMethod {
  return method as RpcMethod;
}

export interface RpcServerOptions {
  /** For messages: `presence-engine control`. */
  readonly name: string;
  readonly tls: { readonly node: TlsMaterial; readonly ca: string };
  readonly methods: Readonly<Record<string, RpcMethod>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<RpcServerLimits>;
}

export interface RpcServerLimits {
  readonly lineBytes: number;
  /** Requests of one connection that are answered at a time; more wait in the socket. */
  readonly pending: number;
  readonly connections: number;
  /** A line that was begun must end within this. */
  readonly lineTimeoutMs: number;
}

export const DEFAULT_RPC_SERVER_LIMITS: RpcServerLimits = {
  lineBytes: 64 * 1024,
  pending: 16,
  connections: 64,
  lineTimeoutMs: 30_000,
};

export interface RpcServer {
  /** @throws ImpError `listener.bind` naming address and port. */
  listen(host: string, port: number): Promise<void>;
  /** The port in use, once it listens. */
  readonly port: number;
  /** Shows another certificate to connections to come; those that are open go on. */
  renew(tls: RpcServerOptions['tls']): void;
  /** Cuts every connection; resolves when the last handler has ended. */
  close(): Promise<void>;
}

const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Serves JSON-RPC 2.0, a line a message, to whoever shows a certificate of our authority (docs/services/oam-agent.md). */
export function createRpcServer(options: RpcServerOptions): RpcServer {
  const limits = { ...DEFAULT_RPC_SERVER_LIMITS, ...options.limits };
  const methods = new Map(Object.entries(options.methods));
  const sockets = new Set<TLSSocket>();
  /** Every connection, from before its handshake on: one that is amid it must not outlive the server. */
  const connections = new Set<Socket>();
  const handling = new Set<Promise<void>>();
  const { log } = options;
  const server = createServer({
    key: options.tls.node.key,
    cert: options.tls.node.cert,
    ca: options.tls.ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  server.maxConnections = limits.connections;
  server.on('tlsClientError', (error) => log.debug({ listener: options.name, err: error.message }, 'handshake failed'));

  const answer = async (message: RpcMessage, signal: AbortSignal): Promise<string> => {
    if (message.kind !== 'request' && message.kind !== 'notification') return '';
    const method = methods.get(message.method);
    const id = message.kind === 'request' ? message.id : undefined;
    const fail = (code: number, text: string): string =>
      id === undefined ? '' : errorLine(id, { code, message: text });
    if (!method) return fail(RPC_NUMBER.methodNotFound, `there is no method ${message.method}`);
    const params = method.params.safeParse(message.params);
    if (!params.success) {
      const issue = params.error.issues[0];
      const where = issue?.path.join('.') ?? '';
      return fail(RPC_NUMBER.invalidParams, `params${where === '' ? '' : `.${where}`}: ${issue?.message ?? 'invalid'}`);
    }
    try {
      const result = await method.handle(params.data, signal);
      return id === undefined ? '' : resultLine(id, result);
    } catch (error) {
      if (!isCallerError(error)) {
        log.warn({ method: message.method, err: describeError(error) }, 'remote procedure failed');
      }
      return id === undefined ? '' : errorLine(id, errorObject(error));
    }
  };

  server.on('connection', (connection: Socket) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
  });
  server.on('secureConnection', (socket) => {
    const splitter = createLineSplitter(limits.lineBytes);
    const gone = new AbortController();
    let pending = 0;
    let isBlocked = false;
    let lineTimer: Disposable | undefined;
    sockets.add(socket);
    /** Lines of the last chunk whose turn has not come; nothing is read while there are any. */
    let queue: string[] = [];
    const pump = (): void => {
      let next = 0;
      for (; next < queue.length && pending < limits.pending && !isBlocked; next += 1) serve(queue[next] as string);
      queue.splice(0, next);
      if (queue.length > 0 || pending >= limits.pending || isBlocked) socket.pause();
      else socket.resume();
    };
    const send = (line: string): void => {
      if (line === '' || socket.destroyed) return;
      isBlocked = !socket.write(line);
    };
    const serve = (line: string): void => {
      let message: RpcMessage;
      try {
        message = parseMessage(line);
      } catch (error) {
        const isJson = error instanceof RpcError && error.code === 'rpc.invalid-message';
        const code = isJson ? RPC_NUMBER.invalidRequest : RPC_NUMBER.parseError;
        send(errorLine(null, { code, message: describeError(error) }));
        return;
      }
      pending += 1;
      const task = answer(message, gone.signal)
        .then(send)
        .finally(() => {
          pending -= 1;
          handling.delete(task);
          pump();
        });
      handling.add(task);
    };
    socket.on('data', (chunk: Buffer) => {
      lineTimer?.[Symbol.dispose]();
      lineTimer = undefined;
      try {
        queue.push(...splitter.push(chunk));
      } catch (error) {
        // The stream cannot be read on: there is no telling where the next line begins.
        send(errorLine(null, { code: RPC_NUMBER.parseError, message: describeError(error) }));
        socket.destroySoon();
        return;
      }
      if (splitter.pendingBytes > 0) lineTimer = options.clock.schedule(limits.lineTimeoutMs, () => socket.destroy());
      pump();
    });
    socket.on('drain', () => {
      isBlocked = false;
      pump();
    });
    socket.on('error', (error) => log.debug({ listener: options.name, err: error.message }, 'connection failed'));
    socket.on('close', () => {
      lineTimer?.[Symbol.dispose]();
      sockets.delete(socket);
      queue = [];
      gone.abort(new RpcError('rpc.closed', 'the caller is gone'));
    });
  });

  return {
    listen(host, port) {
      return new Promise((resolve, reject) => {
        const onError = (cause: Error): void => {
          const message = `${options.name} cannot listen on ${host}:${port}`;
          reject(new ImpError('unavailable', 'listener.bind', message, { cause }));
        };
        server.once('error', onError);
        server.listen(port, host, () => {
          server.off('error', onError);
          server.on('error', (error) => log.error({ listener: options.name, err: error.message }, 'listener failed'));
          resolve();
        });
      });
    },
    get port() {
      return (server.address() as AddressInfo | null)?.port ?? 0;
    },
    renew: (tls) => server.setSecureContext({ ...tls.node, ca: tls.ca, minVersion: 'TLSv1.2' }),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      for (const connection of connections) connection.destroy();
      await closed;
      await Promise.all(handling);
    },
  };
}
