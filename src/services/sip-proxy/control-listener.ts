import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { ImpError } from '../../platform/errors.ts';
import type { HttpHandler, TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';

export interface ControlListener {
  /** @throws ImpError `listener.bind` naming address and port. */
  listen(host: string, port: number): Promise<void>;
  /** The port in use; 0 while it does not listen. */
  readonly port: number;
  /** Shows another certificate to connections to come. */
  renew(tls: { readonly node: TlsMaterial; readonly ca: string }): void;
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 15_000;
const MAX_CONNECTIONS = 32;

/** HTTPS for whoever shows a certificate of our authority: the Config Agent, or another node's. */
export function createControlListener(
  tls: { readonly node: TlsMaterial; readonly ca: string },
  handler: HttpHandler,
  log: Log,
): ControlListener {
  const server = createServer(
    {
      key: tls.node.key,
      cert: tls.node.cert,
      ca: tls.ca,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
    },
    handler,
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    else socket.destroy();
  });
  server.on('tlsClientError', (error) => log.debug({ err: error.message }, 'TLS handshake of the control port failed'));
  return {
    listen(host, port) {
      return new Promise((resolve, reject) => {
        const onError = (cause: Error): void => {
          const message = `the control port cannot listen on ${host}:${port}`;
          reject(new ImpError('unavailable', 'listener.bind', message, { cause }));
        };
        server.once('error', onError);
        server.listen(port, host, () => {
          server.off('error', onError);
          server.on('error', (error) => log.error({ err: error.message }, 'control port failed'));
          resolve();
        });
      });
    },
    get port() {
      return (server.address() as AddressInfo | null)?.port ?? 0;
    },
    renew: ({ node, ca }) => server.setSecureContext({ key: node.key, cert: node.cert, ca, minVersion: 'TLSv1.2' }),
    close() {
      return new Promise((resolve) => {
        if (!server.listening) {
          resolve();
          return;
        }
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
