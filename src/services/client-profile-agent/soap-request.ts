import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { ImpError } from '../../platform/errors.ts';
import { isAddressingHeader, type RequestAddressing, readAddressing } from '../../soap/addressing.ts';
import { parseEnvelope, type SoapVersion } from '../../soap/envelope.ts';
import { headersNotUnderstood } from '../../soap/not-understood.ts';
import { textOf, type XmlElement } from '../../xml/element.ts';
import { CpaFault } from './errors.ts';
import { EPAS_NAMESPACE, SESSION_KEY_NAMESPACES } from './names.ts';
import type { Operation } from './operation.ts';

/** A request as it was read: what is to be done, for which session, and in what form it is to be answered. */
export interface SoapRequest {
  readonly version: SoapVersion;
  readonly operation: Operation;
  readonly payload: XmlElement;
  /** `ClientSession.id` of the session key that came with it; the key itself is not kept. */
  readonly sessionId: string | undefined;
  readonly addressing: RequestAddressing | undefined;
}

/** An envelope that is no request of ours: the cause, and how its answer must look. */
export class RefusedEnvelope extends Error {
  override readonly name = 'RefusedEnvelope';
  readonly version: SoapVersion;
  readonly addressing: RequestAddressing | undefined;
  constructor(cause: unknown, version: SoapVersion, addressing: RequestAddressing | undefined) {
    super('the envelope is refused', { cause });
    this.version = version;
    this.addressing = addressing;
  }
}

export class NotUnderstood extends ImpError {
  readonly headers: readonly XmlElement[];
  constructor(headers: readonly XmlElement[]) {
    super('invalid', 'cpa.must-understand', 'Invalid request: a header that must be understood is not');
    this.headers = headers;
  }
}

export interface RequestReader {
  /** @throws XmlError, SoapError; RefusedEnvelope around a CpaFault or NotUnderstood */
  read(body: string): SoapRequest;
}

/** Bodies larger than this are read anew each time: what repeats is small. */
const MAX_KEPT_CHARACTERS = 1_024;
const MAX_KEPT = 2_000;

/**
 * Reads requests. Clients ask the same again and again (a contact list every few seconds), octet for octet: what came
 * of a small body is kept by the digest of the body, which costs a tenth of reading it. Log-ins are never kept, as they
 * hold passwords, nor are bodies with addressing, which differ each time.
 */
export function createRequestReader(
  operations: ReadonlyMap<string, Operation>,
  sessionIdOf: (key: string) => string,
): RequestReader {
  const kept = new LRUCache<string, SoapRequest>({ max: MAX_KEPT });
  return {
    read(body) {
      if (body.length > MAX_KEPT_CHARACTERS) return readRequest(body, operations, sessionIdOf);
      const digest = hash('sha256', body, 'base64url');
      const known = kept.get(digest);
      if (known) return known;
      const request = readRequest(body, operations, sessionIdOf);
      if (request.operation.session !== 'none' && !request.addressing) kept.set(digest, request);
      return request;
    },
  };
}

function readRequest(
  body: string,
  operations: ReadonlyMap<string, Operation>,
  sessionIdOf: (key: string) => string,
): SoapRequest {
  const envelope = parseEnvelope(body);
  const { version, headers, payload } = envelope;
  const addressing = headers.length === 0 ? undefined : readAddressing(headers);
  try {
    const unknown = headersNotUnderstood(envelope, (header) => isSessionKey(header) || isAddressingHeader(header));
    if (unknown.length > 0) throw new NotUnderstood(unknown);
    const operation = payload.uri === EPAS_NAMESPACE ? operations.get(payload.local) : undefined;
    if (!operation) throw new CpaFault('notUnderstood', 'unknown operation');
    const header = headers.find(isSessionKey);
    const key = header === undefined ? '' : textOf(header).trim();
    return { version, operation, payload, sessionId: key === '' ? undefined : sessionIdOf(key), addressing };
  } catch (error) {
    throw new RefusedEnvelope(error, version, addressing);
  }
}

function isSessionKey(header: XmlElement): boolean {
  return header.local === 'session-key' && SESSION_KEY_NAMESPACES.has(header.uri);
}
