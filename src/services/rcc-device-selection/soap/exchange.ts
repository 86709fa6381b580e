import type { Ids } from '../../../ids/ids.ts';
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
import { textOf, type XmlElement } from '../../../xml/element.ts';
import { XmlError } from '../../../xml/errors.ts';
import { element, type Markup, textElement } from '../../../xml/write.ts';
import type { LoginDatastore } from '../../login-datastore/login-datastore.ts';
import { RccError } from '../errors.ts';
import { RCC_NAMESPACE, SESSION_KEY_NAMESPACES } from '../names.ts';
import type { Selections } from '../selections.ts';
import { type RccUser, userOfPkid } from '../users.ts';
import { OPERATIONS } from './operations.ts';

export interface ExchangeNeeds {
  readonly ids: Ids;
  readonly selections: Selections;
  readonly loginDatastore: Pick<LoginDatastore, 'find'>;
  readonly log: Log;
}

export interface SoapAnswer {
  readonly status: number;
  readonly version: SoapVersion;
  readonly body: string;
  /** For metrics: `none` when no operation was understood. */
  readonly operation: string;
  /** `ok`, or the code of the fault. */
  readonly outcome: string;
}

const NAMESPACE = { 'xmlns:r': RCC_NAMESPACE } as const;

/** From a request's body to its answer: every refusal is an answer too. */
export async function exchange(needs: ExchangeNeeds, body: string): Promise<SoapAnswer> {
  let envelope: SoapEnvelope | undefined;
  let operation = 'none';
  try {
    envelope = parseEnvelope(body);
    const { payload, headers, version } = envelope;
    const unknown = headersNotUnderstood(envelope, (header) => isSessionKey(header) || isAddressingHeader(header));
    if (unknown.length > 0) return answerNotUnderstood(envelope, unknown);
    const run = payload.uri === RCC_NAMESPACE ? OPERATIONS.get(payload.local) : undefined;
    if (!run) throw new RccError('rcc.bad-request', 'there is no such operation');
    operation = payload.local;
    const content = await run(needs.selections, await userOf(needs, headers), payload);
    const answer = element(`r:${operation}Response`, NAMESPACE, content);
    const addressing = addressingOf(envelope, () => `${RCC_NAMESPACE}/${operation}Response`);
    return { status: 200, version, body: writeEnvelope(version, answer, addressing), operation, outcome: 'ok' };
  } catch (error) {
    const fault = faultOf(needs.log, error, operation);
    const version = envelope?.version ?? (error instanceof SoapError ? error.version : undefined) ?? guessVersion(body);
    return {
      status: statusOf(fault, version),
      version,
      body: writeEnvelope(version, faultMarkup(version, fault), addressingOf(envelope, faultAction)),
      operation,
      outcome: fault.code,
    };
  }
}

/** A whole answer for a request that was not read. */
export function refusedAnswer(fault: RccError, version: SoapVersion): Omit<SoapAnswer, 'operation' | 'outcome'> {
  return { status: statusOf(fault, version), version, body: writeEnvelope(version, faultMarkup(version, fault)) };
}

function isSessionKey(header: XmlElement): boolean {
  return header.local === 'session-key' && SESSION_KEY_NAMESPACES.has(header.uri);
}

/** The end user of the session key. @throws RccError `rcc.no-session-key`, `rcc.session-not-valid`, `rcc.end-user-needed` */
async function userOf(needs: ExchangeNeeds, headers: readonly XmlElement[]): Promise<RccUser> {
  const header = headers.find(isSessionKey);
  const key = header === undefined ? '' : textOf(header).trim();
  if (key === '') throw new RccError('rcc.no-session-key', 'a session key is needed');
  const session = await needs.loginDatastore.find(key);
  if (!session) throw new RccError('rcc.session-not-valid', 'the session key is not valid');
  if (session.kind !== 'enduser') throw new RccError('rcc.end-user-needed', 'this needs the session of an end user');
  return await userOfPkid(needs.ids.read, session.userPkid);
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
  const body = writeNotUnderstood(version, unknown, reason, addressingOf(envelope, faultAction));
  return { status: 500, version, body, operation: 'none', outcome: 'MustUnderstand' };
}

/** What the caller is told; the log keeps what that hides. */
function faultOf(log: Log, error: unknown, operation: string): ImpError {
  if (error instanceof XmlError) return new RccError('rcc.bad-request', 'the XML of the request cannot be taken');
  if (error instanceof SoapError) return new RccError('rcc.bad-request', error.message);
  if (error instanceof ImpError && (isCallerError(error) || error.kind === 'unavailable')) return error;
  log.error({ operation, err: describeError(error) }, 'a request could not be done');
  return new ImpError('internal', 'rcc.internal', 'the server could not do this');
}

/** SOAP 1.1 6.2, SOAP 1.2 part 2 7.5.2.2; "try later" is told to what stands between as well. */
function statusOf(fault: ImpError, version: SoapVersion): number {
  if (fault.kind === 'unavailable') return 503;
  return version === '1.2' && isCallerError(fault) ? 400 : 500;
}

/** Fault of a request whose envelope told us nothing: in 1.2 only when the body speaks of 1.2. */
function guessVersion(body: string): SoapVersion {
  return body.slice(0, 2_000).includes(ENVELOPE_NAMESPACE['1.2']) ? '1.2' : '1.1';
}

function faultMarkup(version: SoapVersion, fault: ImpError): Markup {
  return writeFault(version, {
    code: isCallerError(fault) ? 'Sender' : 'Receiver',
    reason: fault.message,
    detail: textElement('r:error', fault.message, { code: fault.code }),
    namespaces: NAMESPACE,
  });
}
