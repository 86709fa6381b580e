import { describeError, ImpError, isCallerError } from '../../platform/errors.ts';
import { withRequest } from '../../platform/request-context.ts';
import { faultAction, type RequestAddressing, writeAddressing } from '../../soap/addressing.ts';
import { ENVELOPE_NAMESPACE, type SoapVersion, writeEnvelope, writeFault } from '../../soap/envelope.ts';
import { SoapError } from '../../soap/errors.ts';
import { writeNotUnderstood } from '../../soap/not-understood.ts';
import { XmlError } from '../../xml/errors.ts';
import { type Markup, textElement } from '../../xml/write.ts';
import type { ClientSession } from '../login-datastore/login-datastore.ts';
import { CpaFault, FAULTS } from './errors.ts';
import { answerElement, EPAS_DECLARATION } from './kept-answer.ts';
import { actionOf } from './names.ts';
import type { AnswerContent, Caller, OperationNeeds } from './operation.ts';
import { NotUnderstood, RefusedEnvelope, type RequestReader, type SoapRequest } from './soap-request.ts';

export interface SoapAnswer {
  readonly status: number;
  readonly version: SoapVersion;
  readonly body: Buffer | string;
  /** For metrics and the log: the operation's name, or '' when it was not understood. */
  readonly operation: string;
  /** `ok`, or the number of the fault. */
  readonly outcome: string;
}

/** Seconds that a client is asked to wait when we are busy. */
export const RETRY_AFTER_SECONDS = 5;

/** From a request's body to its answer: every refusal is an answer too. */
export async function exchange(
  needs: OperationNeeds,
  reader: RequestReader,
  body: string,
  caller: Caller,
): Promise<SoapAnswer> {
  let request: SoapRequest | undefined;
  try {
    request = reader.read(body);
    const { operation, version, payload } = request;
    const session = operation.session === 'none' ? undefined : await sessionOf(needs, request);
    const invoke = (): Promise<AnswerContent> => operation.invoke(needs, payload, caller, session);
    // The id goes with what is written; reading, which is most of all requests, need not carry it through every step.
    const content = await (operation.isRead ? invoke() : withRequest(caller.requestId, invoke));
    const { name } = operation;
    return {
      status: 200,
      version,
      body: writeAnswer(version, name, content, request.addressing),
      operation: name,
      outcome: 'ok',
    };
  } catch (error) {
    return answerFault(needs, error, body, request);
  }
}

async function sessionOf(needs: OperationNeeds, { operation, sessionId }: SoapRequest): Promise<ClientSession> {
  if (sessionId === undefined) throw new CpaFault('noSessionKey');
  const session = await needs.loginDatastore.findById(sessionId);
  if (!session) throw new CpaFault('sessionNotValid');
  if (operation.session === 'enduser' && session.kind !== 'enduser') throw new CpaFault('endUserNeeded');
  return session;
}

function writeAnswer(
  version: SoapVersion,
  name: string,
  answer: AnswerContent,
  addressing: RequestAddressing | undefined,
): Buffer | string {
  const isKept = typeof answer !== 'string';
  if (isKept && !addressing) return answer.envelope(version);
  const headers = addressing && writeAddressing(addressing, `${actionOf(name)}Response`);
  return writeEnvelope(version, answerElement(name, isKept ? answer.content : answer), headers);
}

function answerFault(
  needs: OperationNeeds,
  thrown: unknown,
  body: string,
  request: SoapRequest | undefined,
): SoapAnswer {
  const refused = thrown instanceof RefusedEnvelope ? thrown : undefined;
  const error = refused ? refused.cause : thrown;
  const operation = request?.operation.name ?? '';
  const known = request ?? refused;
  const version = known?.version ?? (error instanceof SoapError ? error.version : undefined) ?? guessVersion(body);
  const addressing = known?.addressing;
  const headers = addressing && writeAddressing(addressing, faultAction(addressing));
  if (error instanceof NotUnderstood) {
    const answer = writeNotUnderstood(version, error.headers, error.message, headers);
    return { status: 200, version, body: answer, operation, outcome: 'MustUnderstand' };
  }
  const fault = toFault(error);
  if (!isCallerError(fault)) {
    needs.log.error({ operation, err: describeError(error), code: fault.code }, 'a request could not be done');
  }
  return {
    status: fault.status,
    version,
    body: writeEnvelope(version, faultMarkup(version, fault), headers),
    operation,
    outcome: String(FAULTS[fault.fault].number),
  };
}

function toFault(error: unknown): CpaFault {
  if (error instanceof CpaFault) return error;
  if (error instanceof XmlError) {
    // The codes are said, not the parser's words: those may quote the request.
    return new CpaFault('notXml', XML_REASONS[error.code], { cause: error });
  }
  if (error instanceof SoapError) return new CpaFault('notUnderstood', error.message, { cause: error });
  if (error instanceof ImpError && error.code === 'login-datastore.session-ended') {
    return new CpaFault('sessionNotValid', undefined, { cause: error });
  }
  if (error instanceof ImpError && error.kind === 'unavailable')
    return new CpaFault('busy', undefined, { cause: error });
  return new CpaFault('internal', undefined, { cause: error });
}

const XML_REASONS: Readonly<Record<XmlError['code'], string>> = {
  'xml.malformed': 'not well-formed XML',
  'xml.dtd': 'a document type declaration is not allowed',
  'xml.processing-instruction': 'a processing instruction is not allowed',
  'xml.too-deep': 'elements nest too deep',
  'xml.too-many-elements': 'too many elements',
  'xml.too-many-attributes': 'too many attributes on an element',
  'xml.forbidden-character': 'a character that XML does not allow',
  'xml.comment': 'a comment is not allowed',
};

/** Fault of a request whose envelope told us nothing: in 1.1 when the body speaks of 1.1. */
function guessVersion(body: string): SoapVersion {
  return body.slice(0, 2_000).includes(ENVELOPE_NAMESPACE['1.1']) ? '1.1' : '1.2';
}

function faultMarkup(version: SoapVersion, fault: CpaFault): Markup {
  const row = FAULTS[fault.fault];
  return writeFault(version, {
    code: row.code,
    subcode: `e:${row.subcode}`,
    reason: fault.message,
    detail: textElement('e:error', fault.message, { code: row.number }),
    namespaces: EPAS_DECLARATION,
  });
}

/** A whole answer for a request that was not read: too large, too slow, too many at once. */
export function writeFaultAnswer(fault: CpaFault, version: SoapVersion): string {
  return writeEnvelope(version, faultMarkup(version, fault));
}
