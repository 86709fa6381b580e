import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Where everything listens, for programs. A part that is not running is absent; paths are absolute. */
export interface Endpoints {
  readonly ready: boolean;
  readonly node: string;
  readonly pid: number;
  readonly domain: string;
  /** PEM file that verifies every listener named, the mock's too. */
  readonly ca: string;
  readonly cpa?: string;
  readonly presenceWebService?: string;
  readonly intercluster?: string;
  readonly controlCenter?: string;
  readonly admin: string;
  /** The token's file. */
  readonly adminToken: string;
  readonly metrics: string;
  readonly xmpp?: { readonly host: string; readonly port: number };
  readonly xmppWebSocket?: string;
  readonly sip?: { readonly host: string; readonly udp: number; readonly tcp: number; readonly tls: number };
  readonly mockCucm?: { readonly axl: string; readonly user: string; readonly password: string };
}

/** The endpoints file's part; absent while nothing is listened for. */
export function xmppEndpoint(host: string, port: number | undefined): Pick<Endpoints, 'xmpp'> {
  return port === undefined ? {} : { xmpp: { host, port } };
}

export function xmppWebSocketEndpoint(host: string, port: number | undefined): Pick<Endpoints, 'xmppWebSocket'> {
  return port === undefined ? {} : { xmppWebSocket: `wss://${authority(host, port)}/ws` };
}

/** Writes the file atomically. */
export async function writeEndpoints(file: string, endpoints: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${randomUUID()}`;
  await writeFile(temporary, `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, file);
}

export async function removeEndpoints(file: string): Promise<void> {
  await rm(file, { force: true });
}

/** `host:port` of a URL, with an IPv6 address in brackets. */
export function authority(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** An address to connect to for one that is bound to: the loopback for "every interface". */
export function reachable(bind: string): string {
  if (bind === '0.0.0.0') return '127.0.0.1';
  return bind === '::' ? '::1' : bind;
}
