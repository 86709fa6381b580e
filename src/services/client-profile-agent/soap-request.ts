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
const MAX_KEPT = 1_000;
/** A session key as we make them, alone in its element. */
const KEY = /session-key(?: [^<>]*)?>([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})</;
const KEY_LENGTH = 36;

/**
 * Reads requests. Clients ask the same again and again (a contact list every few seconds), and those of one make differ
 * in nothing but the session key: what came of a small body is kept by the text around its key, for a tenth of what
 * reading it costs. Log-ins are never kept, as they hold passwords, nor are bodies with addressing, which differ each
 * time. A body is kept only if its key stands nowhere else in it and was read as the session key: then another key in
 * its place, of the same letters and length, is read as that.
 */
export function createRequestReader(
  operations: ReadonlyMap<string, Operation>,
  sessionIdOf: (key: string) => string,
): RequestReader {
  // One that is full is emptied: to know which was used last would cost more than to read each once more.
  const kept = new Map<string, SoapRequest>();
  return {
    read(body) {
      const found = body.length > MAX_KEPT_CHARACTERS ? null : KEY.exec(body);
      const key = found?.[1];
      if (!found || key === undefined) return readRequest(body, operations, sessionIdOf);
      const end = found.index + found[0].length - 1;
      const around = `${body.slice(0, end - KEY_LENGTH)}\0${body.slice(end)}`;
      const sessionId = sessionIdOf(key);
      const known = kept.get(around);
      if (known) return { ...known, sessionId };
      const request = readRequest(body, operations, sessionIdOf);
      const isAlone = body.indexOf(key) === body.lastIndexOf(key);
      if (isAlone && request.sessionId === sessionId && request.operation.session !== 'none' && !request.addressing) {
        if (kept.size >= MAX_KEPT) kept.clear();
        kept.set(around, request);
      }
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
