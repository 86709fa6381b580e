import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { type AxlErrorCode, fromConnection } from '../../../axl/errors.ts';
import type { Clock } from '../../../platform/clock.ts';
import { CONTENT_TYPE, ENVELOPE_NAMESPACE, writeEnvelope } from '../../../soap/envelope.ts';
import { createWsdlClient, type WsdlClient } from '../../../soap/wsdl-client.ts';
import { attribute, element, elements, textOf, type XmlElement } from '../../../xml/element.ts';
import { createXmlStream } from '../../../xml/parse.ts';
import { type Attributes, element as write } from '../../../xml/write.ts';
import { PeerError, type PeerReason } from '../errors.ts';
import { INTERCLUSTER_NAMESPACE } from '../names.ts';
import { WSDL_FILE } from '../serving/documents.ts';
import { type PeerChanges, type PeerCluster, type PeerUser, readChanges, readCluster, readUser } from './answers.ts';
import { createReplyReader } from './reply-reader.ts';

export interface PeerClientOptions {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** PEM that verifies it; '' trusts what the system trusts. */
  readonly ca: string;
  /** How long it may say nothing. */
  readonly silenceMs: number;
  /** Most time for one answer. */
  readonly callMs: number;
  readonly clock: Clock;
}

/** Calls a peer cluster. Every failure is a PeerError. Nothing is retried here. */
export interface PeerClient extends AsyncDisposable {
  getCluster(wantsCertificates: boolean, signal: AbortSignal): Promise<PeerCluster>;
  /** A page of users in the order of their ids; `next` is null after the last one. */
  listUsers(
    after: string,
    limit: number,
    signal: AbortSignal,
  ): Promise<{ readonly users: readonly PeerUser[]; readonly next: string | null }>;
  /** @throws PeerError `place-lost` too */
  listChanges(after: number, limit: number, signal: AbortSignal): Promise<PeerChanges>;
  notifyChange(clusterId: string, sequence: number): Promise<void>;
}

const CONNECT_MS = 5_000;
const CONNECTIONS = 2;
const MOST_BYTES = 32 * 1024 * 1024;
const LIMITS = { depth: 64, elements: 200_000, attributesPerElement: 64 };

const REASONS: Readonly<Partial<Record<AxlErrorCode, PeerReason>>> = {
  'axl.certificate': 'certificate',
  'axl.timeout': 'timeout',
  'axl.garbage': 'garbage',
};
/** Of a fault's detail. */
const FAULT_REASONS: ReadonlyMap<string, PeerReason> = new Map([
  ['denied', 'denied'],
  ['not-ready', 'not-ready'],
  ['busy', 'not-ready'],
  ['stopped', 'not-ready'],
  ['place-lost', 'place-lost'],
] as const);

interface Reply {
  readonly response: XmlElement;
  readonly users: readonly PeerUser[];
}

export function createPeerClient(options: PeerClientOptions): PeerClient {
  const url = new URL(options.url);
  const { hostname: host } = url;
  const authorization = `Basic ${Buffer.from(`${options.user}:${options.password}`, 'utf8').toString('base64')}`;
  const connect = options.ca === '' ? {} : { ca: options.ca };
  const pool = new Pool(url.origin, {
    connections: CONNECTIONS,
    headersTimeout: options.silenceMs,
    bodyTimeout: options.silenceMs,
    maxResponseSize: MOST_BYTES,
    connect: { timeout: CONNECT_MS, ...connect },
  });
  let wsdlClient: Promise<WsdlClient> | undefined;

  const call = async (operation: string, attributes: Attributes, signal: AbortSignal): Promise<Reply> => {
    try {
      return await callOnce(operation, attributes, signal);
    } catch (error) {
      // A connection that was kept open may have been closed by the peer just now: everything may be asked twice.
      if (!isClosedConnection(error)) throw error;
      return await callOnce(operation, attributes, signal);
    }
  };

  const callOnce = async (operation: string, attributes: Attributes, signal: AbortSignal): Promise<Reply> => {
    const users: PeerUser[] = [];
    const reader = createReplyReader((found) => users.push(readUser(found)));
    const body = writeEnvelope('1.1', write(`i:${operation}`, { 'xmlns:i': INTERCLUSTER_NAMESPACE, ...attributes }));
    const late = new AbortController();
    const timer = options.clock.schedule(options.callMs, () =>
      late.abort(new PeerError('timeout', `${host} needs longer than ${options.callMs / 1000} s for an answer`)),
    );
    try {
      const answer = await pool.request({
        path: url.pathname,
        method: 'POST',
        headers: {
          authorization,
          'content-type': CONTENT_TYPE['1.1'],
          soapaction: `"${INTERCLUSTER_NAMESPACE}/${operation}"`,
        },
        body,
        signal: AbortSignal.any([signal, late.signal]),
      });
      if (answer.statusCode === 401) {
        await answer.body.dump();
        throw new PeerError('denied', `${host} refuses the name or the password of ${options.user}, or its role`);
      }
      if (answer.statusCode === 404) {
        await answer.body.dump();
        throw new PeerError('garbage', `${host} has no intercluster service at ${url.pathname}`);
      }
      const stream = createXmlStream(reader, LIMITS);
      const decoder = new TextDecoder('utf-8', { fatal: true });
      for await (const chunk of answer.body) stream.write(decoder.decode(chunk as Uint8Array, { stream: true }));
      stream.write(decoder.decode());
      stream.end();
      return { response: responseOf(reader.envelope(), operation, host), users };
    } catch (error) {
      signal.throwIfAborted();
      throw toPeerError(late.signal.aborted ? late.signal.reason : error, operation, host);
    } finally {
      timer[Symbol.dispose]();
    }
  };

  return {
    async getCluster(wantsCertificates, signal) {
      const certificates = wantsCertificates ? undefined : false;
      return readCluster((await call('getCluster', { certificates }, signal)).response);
    },
    async listUsers(after, limit, signal) {
      const { response, users } = await call('listUsers', { after: after || undefined, limit }, signal);
      const next = attribute(response, 'next') ?? null;
      if (next !== null && (next === after || users.length === 0))
        throw new PeerError('garbage', `${host} sent pages that do not go on`);
      return { users, next };
    },
    async listChanges(after, limit, signal) {
      const { response, users } = await call('listChanges', { after, limit }, signal);
      const changes = readChanges(response, users);
      if (changes.through < after || (changes.isMore && changes.through === after)) {
        throw new PeerError('garbage', `${host} sent changes that do not go on`);
      }
      return changes;
    },
    async notifyChange(cluster, sequence) {
      // A single call without an answer to speak of: what the WSDL is for.
      wsdlClient ??= createWsdlClient({
        wsdl: fileURLToPath(WSDL_FILE),
        endpoint: options.url,
        version: '1.1',
        headers: { authorization },
        timeoutMs: options.silenceMs,
        maxBytes: 64 * 1024,
        ...connect,
      });
      try {
        await (await wsdlClient).call('notifyChange', { attributes: { cluster, sequence } });
      } catch (error) {
        throw new PeerError('unreachable', `${host} could not be told of changes`, { cause: error });
      }
    },
    async [Symbol.asyncDispose]() {
      await pool.destroy();
      const made = await wsdlClient?.catch(() => undefined);
      await made?.[Symbol.asyncDispose]();
    },
  };
}

function responseOf(envelope: XmlElement | undefined, operation: string, host: string): XmlElement {
  const isSoap = envelope?.local === 'Envelope' && envelope.uri === ENVELOPE_NAMESPACE['1.1'];
  const body = isSoap ? element(envelope, 'Body') : undefined;
  const payload = body && elements(body)[0];
  if (payload?.local === 'Fault') throw faultError(payload, host);
  if (payload?.local !== `${operation}Response` || payload.uri !== INTERCLUSTER_NAMESPACE) {
    throw new PeerError('garbage', `${host} sent an answer to ${operation} that is none`);
  }
  return payload;
}

function faultError(fault: XmlElement, host: string): PeerError {
  const detail = element(fault, 'detail');
  const error = detail && element(detail, 'error', INTERCLUSTER_NAMESPACE);
  const code = (error && attribute(error, 'code')) ?? '';
  const reason = element(fault, 'faultstring');
  return new PeerError(FAULT_REASONS.get(code) ?? 'fault', `${host} says: ${reason ? textOf(reason) : 'nothing'}`);
}

/** Closed before a word of the answer was there. */
function isClosedConnection(error: unknown): boolean {
  const cause = error instanceof PeerError ? (error.cause as { readonly code?: unknown } | undefined) : undefined;
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(String(cause?.code));
}

function toPeerError(error: unknown, operation: string, host: string): PeerError {
  if (error instanceof PeerError) {
    return error.message.startsWith('it sent')
      ? new PeerError(error.reason, `${host}: ${error.message}`, { cause: error })
      : error;
  }
  const name = (error as Error).name;
  if (name === 'XmlError' || name === 'TypeError') {
    return new PeerError('garbage', `${host} sent an answer to ${operation} that is none`, { cause: error });
  }
  const known = fromConnection(error, host);
  return new PeerError(REASONS[known.code] ?? 'unreachable', known.message, { cause: error });
}
