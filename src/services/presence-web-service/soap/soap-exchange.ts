import { faultAction, isAddressingHeader, readAddressing, writeAddressing } from '../../../soap/addressing.ts';
import {
  ENVELOPE_NAMESPACE,
  parseEnvelope,
  type SoapEnvelope,
  type SoapVersion,
  writeEnvelope,
  writeFault,
} from '../../../soap/envelope.ts';
import { SoapError } from '../../../soap/errors.ts';
import { headersNotUnderstood, writeNotUnderstood } from '../../../soap/not-understood.ts';
import { textOf, type XmlElement } from '../../../xml/element.ts';
import { XmlError } from '../../../xml/errors.ts';
import { element, type Markup, textElement } from '../../../xml/write.ts';
import { sessionOf } from '../actions/session.ts';
import { type FaultName, PwsFault } from '../errors.ts';
import { actionOf, PWS_NAMESPACE, SESSION_KEY_NAMESPACES } from '../names.ts';
import type { ActionNeeds, Caller } from '../needs.ts';
import { PWS_XML_LIMITS, xmlFault } from '../read-request.ts';
import { toFault } from '../to-fault.ts';
import type { Operation } from './operation.ts';
import { OPERATIONS } from './operations/index.ts';

export interface SoapAnswer {
  readonly status: number;
  readonly version: SoapVersion;
  readonly body: string;
  /** For metrics and the log: the operation's name, or '' when it was not understood. */
  readonly operation: string;
  /** `ok`, or the number of the fault. */
  readonly outcome: string;
}

const NAMESPACE = { 'xmlns:p': PWS_NAMESPACE } as const;

/** From a request's body to its answer: every refusal is an answer too. */
export async function exchange(needs: ActionNeeds, body: string, caller: Caller): Promise<SoapAnswer> {
  let envelope: SoapEnvelope | undefined;
  let operation: Operation | undefined;
  try {
    envelope = parseEnvelope(body, PWS_XML_LIMITS);
    const { payload, headers, version } = envelope;
    const unknown = headersNotUnderstood(envelope, (header) => isSessionKey(header) || isAddressingHeader(header));
    if (unknown.length > 0) return answerNotUnderstood(envelope, unknown);
    operation = payload.uri === PWS_NAMESPACE ? OPERATIONS.get(payload.local) : undefined;
    if (!operation) throw new PwsFault('wrongRoot', 'unknown operation');
    const content =
      operation.who === 'nobody'
        ? await operation.run(needs, payload, caller)
        : await operation.run(needs, payload, await sessionOf(needs, sessionKeyOf(headers), operation.who));
    const { name } = operation;
    const answer = element(`p:${name}Response`, NAMESPACE, content);
    return {
      status: 200,
      version,
      body: writeEnvelope(
        version,
        answer,
        addressingOf(envelope, () => `${actionOf(name)}Response`),
      ),
      operation: name,
      outcome: 'ok',
    };
  } catch (error) {
    return answerFault(needs, error, body, envelope, operation);
  }
}

function isSessionKey(header: XmlElement): boolean {
  return header.local === 'session-key' && SESSION_KEY_NAMESPACES.has(header.uri);
}

function sessionKeyOf(headers: readonly XmlElement[]): string {
  const header = headers.find(isSessionKey);
  return header === undefined ? '' : textOf(header).trim();
}

function addressingOf(
  envelope: SoapEnvelope | undefined,
  actionFor: (addressing: NonNullable<ReturnType<typeof readAddressing>>) => string,
): Markup | undefined {
  const addressing = envelope && envelope.headers.length > 0 ? readAddressing(envelope.headers) : undefined;
  return addressing && writeAddressing(addressing, actionFor(addressing));
}

function answerNotUnderstood(envelope: SoapEnvelope, unknown: readonly XmlElement[]): SoapAnswer {
  const { version } = envelope;
  const reason = 'A header that must be understood is not';
  return {
    status: 200,
    version,
    body: writeNotUnderstood(version, unknown, reason, addressingOf(envelope, faultAction)),
    operation: '',
    outcome: 'MustUnderstand',
  };
}

function answerFault(
  needs: ActionNeeds,
  error: unknown,
  body: string,
  envelope: SoapEnvelope | undefined,
  operation: Operation | undefined,
): SoapAnswer {
  const version = envelope?.version ?? (error instanceof SoapError ? error.version : undefined) ?? guessVersion(body);
  const fault = faultOf(needs, error, operation);
  return {
    status: fault.soapStatus,
    version,
    body: writeEnvelope(version, faultMarkup(version, fault), addressingOf(envelope, faultAction)),
    operation: operation?.name ?? '',
    outcome: String(fault.number),
  };
}

function faultOf(needs: ActionNeeds, error: unknown, operation: Operation | undefined): PwsFault {
  if (error instanceof XmlError) return xmlFault(error);
  if (error instanceof SoapError) return new PwsFault('wrongRoot', error.message, { cause: error });
  const failure: FaultName = operation?.failure ?? 'internal';
  return toFault(needs.log, error, failure, operation?.name ?? '');
}

/** Fault of a request whose envelope told us nothing: in 1.2 only when the body speaks of 1.2. */
export function guessVersion(body: string): SoapVersion {
  return body.slice(0, 2_000).includes(ENVELOPE_NAMESPACE['1.2']) ? '1.2' : '1.1';
}

function faultMarkup(version: SoapVersion, fault: PwsFault): Markup {
  return writeFault(version, {
    code: fault.number < 200 ? 'Sender' : 'Receiver',
    reason: fault.message,
    // Exactly one child: a client reads the detail as a single element.
    detail: textElement('p:error', fault.message, { code: fault.number }),
    namespaces: NAMESPACE,
  });
}

/** A whole answer for a request that was not read: too large, too slow, too many at once. */
export function writeFaultAnswer(fault: PwsFault, version: SoapVersion): string {
  return writeEnvelope(version, faultMarkup(version, fault));
}
