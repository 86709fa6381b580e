import { describeError, ImpError, isCallerError } from '../../../platform/errors.ts';
import type { Log } from '../../../platform/log.ts';
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
import { XmlError } from '../../../xml/errors.ts';
import { element, type Markup, textElement } from '../../../xml/write.ts';
import { InterclusterFault } from '../errors.ts';
import { INTERCLUSTER_NAMESPACE } from '../names.ts';
import { OPERATIONS, type OperationNeeds } from './operations.ts';

export interface SoapAnswer {
  readonly status: number;
  readonly version: SoapVersion;
  readonly body: string;
  /** For metrics: `none` when no operation was understood. */
  readonly operation: string;
  /** `ok`, or the code of the fault. */
  readonly outcome: string;
}

const NAMESPACE = { 'xmlns:i': INTERCLUSTER_NAMESPACE } as const;

/** From a request's body to its answer: every refusal is an answer too. */
export async function exchange(needs: OperationNeeds, body: string, log: Log): Promise<SoapAnswer> {
  let envelope: SoapEnvelope | undefined;
  let operation = 'none';
  try {
    envelope = parseEnvelope(body);
    const { payload, version } = envelope;
    const unknown = headersNotUnderstood(envelope, isAddressingHeader);
    if (unknown.length > 0) {
      const reason = 'A header that must be understood is not';
      const refused = writeNotUnderstood(version, unknown, reason, addressingOf(envelope, faultAction));
      return { status: 500, version, body: refused, operation: 'none', outcome: 'MustUnderstand' };
    }
    const run = payload.uri === INTERCLUSTER_NAMESPACE ? OPERATIONS.get(payload.local) : undefined;
    if (!run) throw new InterclusterFault('bad-request', 'there is no such operation');
    operation = payload.local;
    if (!needs.isReady()) throw new InterclusterFault('not-ready', 'the first sync with CUCM is not complete');
    const { attributes, content } = await run(needs, payload);
    const answer = element(`i:${operation}Response`, { ...NAMESPACE, ...attributes }, content);
    const addressing = addressingOf(envelope, () => `${INTERCLUSTER_NAMESPACE}/${operation}Response`);
    return { status: 200, version, body: writeEnvelope(version, answer, addressing), operation, outcome: 'ok' };
  } catch (error) {
    const fault = faultOf(log, error, operation);
    const version = envelope?.version ?? (error instanceof SoapError ? error.version : undefined) ?? guessVersion(body);
    return { ...faultAnswer(fault, version, addressingOf(envelope, faultAction)), operation };
  }
}

/** A whole answer for a refusal. */
export function faultAnswer(fault: ImpError, version: SoapVersion, addressing?: Markup): Omit<SoapAnswer, 'operation'> {
  const markup = writeFault(version, {
    code: isCallerError(fault) ? 'Sender' : 'Receiver',
    reason: fault.message,
    detail: textElement('i:error', fault.message, { code: codeOf(fault) }),
    namespaces: NAMESPACE,
  });
  return {
    status: statusOf(fault, version),
    version,
    body: writeEnvelope(version, markup, addressing),
    outcome: codeOf(fault),
  };
}

function codeOf(fault: ImpError): string {
  return fault instanceof InterclusterFault ? fault.fault : fault.kind === 'unavailable' ? 'not-ready' : 'internal';
}

function addressingOf(
  envelope: SoapEnvelope | undefined,
  actionFor: (addressing: NonNullable<ReturnType<typeof readAddressing>>) => string,
): Markup | undefined {
  const addressing = envelope && envelope.headers.length > 0 ? readAddressing(envelope.headers) : undefined;
  return addressing && writeAddressing(addressing, actionFor(addressing));
}

/** What the caller is told; the log keeps what that hides. */
function faultOf(log: Log, error: unknown, operation: string): ImpError {
  if (error instanceof InterclusterFault) return error;
  if (error instanceof XmlError) return new InterclusterFault('bad-request', 'the XML of the request cannot be taken');
  if (error instanceof SoapError) return new InterclusterFault('bad-request', error.message);
  log.error({ operation, err: describeError(error) }, 'a request could not be done');
  if (error instanceof ImpError && error.kind === 'unavailable') return error;
  return new ImpError('internal', 'intercluster.internal', 'the server could not do this');
}

/** SOAP 1.1 6.2, SOAP 1.2 part 2 7.5.2.2; HTTP's own words for who may not, and for "try later". */
function statusOf(fault: ImpError, version: SoapVersion): number {
  if (fault.kind === 'denied') return 401;
  if (fault.kind === 'unavailable') return 503;
  return version === '1.2' && isCallerError(fault) ? 400 : 500;
}

/** Fault of a request whose envelope told us nothing: in 1.2 only when the body speaks of 1.2. */
function guessVersion(body: string): SoapVersion {
  return body.slice(0, 2_000).includes(ENVELOPE_NAMESPACE['1.2']) ? '1.2' : '1.1';
}
