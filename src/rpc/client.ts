import { connect, type TLSSocket } from 'node:tls';
import type { Clock } from '../platform/clock.ts';
import { describeError } from '../platform/errors.ts';
import type { TlsMaterial } from '../platform/https-listener.ts';
import type { Log } from '../platform/log.ts';
import { isNobody, RpcError, RpcRemoteError } from './errors.ts';
import { createLineSplitter } from './lines.ts';
import { parseMessage, type RpcMessage, requestLine } from './message.ts';

export interface RpcClientOptions {
  /** Where the server is now; undefined while it is not running. Asked at each connection. */
  readonly address: () => { readonly host: string; readonly port: number } | undefined;
  readonly tls: { readonly node: TlsMaterial; readonly ca: string };
  readonly clock: Clock;
  readonly log: Log;
  /** The whole call, connecting included. */
  readonly timeoutMs: number;
  readonly lineBytes?: number;
}

export interface RpcClient extends AsyncDisposable {
  /**
   * Calls a method; the connection is opened when needed and kept. Nothing is ever sent twice.
   * @throws RpcRemoteError the server's error object; RpcError `rpc.unreachable`, `rpc.tls`, `rpc.timeout`, `rpc.closed`;
   *   the signal's reason.
   */
  call(method: string, params: unknown, signal?: AbortSignal): Promise<unknown>;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

interface Connection {
  readonly socket: TLSSocket;
  readonly opened: Promise<void>;
  readonly waiting: Map<number, Waiting>;
  readonly where: string;
}

const DEFAULT_LINE_BYTES = 64 * 1024;
export function createRpcClient(options: RpcClientOptions): RpcClient {
  let connection: Connection | undefined;
  let lastId = 0;
  let isClosed = false;

  const receive = (from: Connection, line: string): void => {
    const message: RpcMessage = parseMessage(line);
    if (message.kind === 'result' || (message.kind === 'error' && message.id !== null)) {
      const waiting = from.waiting.get(Number(message.id));
      // An answer to a call that was given up is late, not wrong.
      if (!waiting) return;
      from.waiting.delete(Number(message.id));
      if (message.kind === 'result') waiting.resolve(message.result);
      else waiting.reject(remote(message.error));
      return;
    }
    // Without an id the server could not read what we sent: no call on this connection can be answered any more.
    if (message.kind === 'error') throw remote(message.error);
    throw new RpcError('rpc.invalid-message', 'the server called back, which it may not');
  };

  const open = (host: string, port: number): Connection => {
    const splitter = createLineSplitter(options.lineBytes ?? DEFAULT_LINE_BYTES);
    const where = `${host}:${port}`;
    const socket = connect({
      host,
      port,
      key: options.tls.node.key,
      cert: options.tls.node.cert,
      ca: options.tls.ca,
      minVersion: 'TLSv1.2',
    });
    const waiting = new Map<number, Waiting>();
    let isSecure = false;
    const opened = new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', () => {
        isSecure = true;
        resolve();
      });
      socket.once('error', (error) => reject(connectError(where, error)));
      socket.once('close', () => reject(new RpcError('rpc.closed', `${where} closed the connection`)));
    });
    opened.catch(() => undefined);
    const made: Connection = { socket, opened, waiting, where };
    const fail = (error: unknown): void => {
      if (connection === made) connection = undefined;
      for (const each of waiting.values()) each.reject(error);
      waiting.clear();
      socket.destroy();
    };
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const line of splitter.push(chunk)) receive(made, line);
      } catch (error) {
        options.log.warn({ peer: where, err: describeError(error) }, 'remote procedure answer cannot be read');
        fail(error);
      }
    });
    socket.on('error', (error) =>
      // With TLS 1.3 a refused certificate of ours shows after the handshake.
      fail(isSecure ? new RpcError(tlsCode(error), `${where} cut the connection`, { cause: error }) : error),
    );
    socket.on('close', () => fail(new RpcError('rpc.closed', `${where} closed the connection before it answered`)));
    return made;
  };

  return {
    async call(method, params, signal) {
      if (isClosed) throw new RpcError('rpc.closed', 'the client is closed');
      signal?.throwIfAborted();
      const address = options.address();
      if (!address) throw new RpcError('rpc.unreachable', 'it is not running');
      const where = `${address.host}:${address.port}`;
      // A server that came up again on another port is another server.
      if (connection && connection.where !== where) connection.socket.destroy();
      if (connection?.where !== where) connection = open(address.host, address.port);
      const used = connection;
      lastId += 1;
      const id = lastId;
      return await new Promise((resolve, reject) => {
        let isOver = false;
        const end = (): void => {
          isOver = true;
          timer[Symbol.dispose]();
          signal?.removeEventListener('abort', onAbort);
          used.waiting.delete(id);
        };
        const give = (error: unknown): void => {
          end();
          reject(error);
        };
        const onAbort = (): void => give(signal?.reason);
        const timer = options.clock.schedule(options.timeoutMs, () =>
          give(new RpcError('rpc.timeout', `${where} did not answer ${method} within ${options.timeoutMs / 1000} s`)),
        );
        signal?.addEventListener('abort', onAbort, { once: true });
        used.opened.then(() => {
          // Given up while it connected: then it must not be sent either.
          if (isOver) return;
          if (used.socket.destroyed) {
            give(new RpcError('rpc.closed', `${where} closed the connection`));
            return;
          }
          used.waiting.set(id, {
            resolve(result) {
              end();
              resolve(result);
            },
            reject: give,
          });
          used.socket.write(requestLine(id, method, params));
        }, give);
      });
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      const open = connection;
      if (!open || open.socket.closed) return;
      const closed = new Promise<void>((resolve) => open.socket.once('close', () => resolve()));
      open.socket.destroy();
      await closed;
    },
  };
}

function remote(error: { readonly code: number; readonly message: string; readonly data?: unknown }): RpcRemoteError {
  return new RpcRemoteError(error.code, error.message, error.data);
}

function connectError(where: string, cause: NodeJS.ErrnoException): RpcError {
  if (isNobody(cause)) {
    return new RpcError('rpc.unreachable', `nobody listens on ${where}`, { cause });
  }
  return new RpcError(tlsCode(cause), `no connection to ${where}`, { cause });
}

function tlsCode(cause: NodeJS.ErrnoException): 'rpc.tls' | 'rpc.closed' {
  const code = cause.code ?? '';
  return code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || /CERT|SIGNATURE|ISSUER/.test(code)
    ? 'rpc.tls'
    : 'rpc.closed';
}
