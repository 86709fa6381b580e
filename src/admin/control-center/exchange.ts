import { describeError, ImpError, isCallerError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { parseEnvelope, type SoapEnvelope, type SoapVersion, writeEnvelope, writeFault } from '../../soap/envelope.ts';
import { SoapError } from '../../soap/errors.ts';
import { headersNotUnderstood, writeNotUnderstood } from '../../soap/not-understood.ts';
import { XmlError } from '../../xml/errors.ts';
import { element } from '../../xml/write.ts';
import type { Caller } from '../access/caller.ts';
import type { CommandRunner } from '../command-runner.ts';
import type { AdminContext } from '../context.ts';
import { NAMESPACE } from './names.ts';
import { OPERATIONS } from './operations.ts';

export interface ExchangeNeeds {
  readonly runner: CommandRunner;
  readonly context: AdminContext;
  readonly log: Log;
}

/** A request that has proved itself and has been read. */
export interface SoapRequest {
  readonly body: string;
  readonly caller: Caller;
  /** Under which name the client reached the node. */
  readonly hostHeader: string;
  readonly requestId: string;
  readonly signal: AbortSignal;
}

export interface SoapAnswer {
  readonly status: number;
  readonly version: SoapVersion;
  readonly body: string;
}

/** From a request to its answer: every refusal is an answer too. */
export async function exchange(needs: ExchangeNeeds, request: SoapRequest): Promise<SoapAnswer> {
  let envelope: SoapEnvelope | undefined;
  try {
    envelope = parseEnvelope(request.body);
    const { payload, version } = envelope;
    const unknown = headersNotUnderstood(envelope, () => false);
    if (unknown.length > 0) {
      const body = writeNotUnderstood(version, unknown, 'A header that must be understood is not');
      return { status: 500, version, body };
    }
    const run = payload.uri === NAMESPACE ? OPERATIONS.get(payload.local) : undefined;
    if (!run) throw new ImpError('invalid', 'control-center.unknown-operation', 'there is no such operation');
    const { name, version: release } = needs.context.node;
    const answer = await run({ ...request, runner: needs.runner, node: name, release }, payload);
    // The product writes prefix ns1 with everything qualified, and old scripts look for it.
    const body = element(`ns1:${payload.local}Response`, { 'xmlns:ns1': NAMESPACE }, answer);
    return { status: 200, version, body: writeEnvelope(version, body) };
  } catch (error) {
    const told = error instanceof SoapError ? error.version : undefined;
    return refusedAnswer(needs.log, error, envelope?.version ?? told);
  }
}

/** A whole answer that is a fault: SOAP 1.1 6.2, SOAP 1.2 part 2 7.5.2.2. */
export function refusedAnswer(log: Log, error: unknown, version: SoapVersion = '1.1'): SoapAnswer {
  const isSenders = isCallerError(error) || error instanceof XmlError;
  const status = version === '1.2' && isSenders ? 400 : 500;
  const fault = writeFault(version, { code: isSenders ? 'Sender' : 'Receiver', reason: reasonOf(log, error) });
  return { status, version, body: writeEnvelope(version, fault) };
}

/** What the caller is told; the log keeps what that hides. */
function reasonOf(log: Log, error: unknown): string {
  if (error instanceof XmlError) return 'the XML of the request cannot be taken';
  if (error instanceof ImpError && error.kind !== 'internal') return error.message;
  log.error({ err: describeError(error) }, 'a Control Center request could not be done');
  return 'the server could not do this';
}
