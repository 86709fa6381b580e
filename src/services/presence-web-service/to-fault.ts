import { describeError, ImpError, isCallerError } from '../../platform/errors.ts';
import type { Log } from '../../platform/log.ts';
import { XmlError } from '../../xml/errors.ts';
import { type FaultName, PwsFault } from './errors.ts';
import { xmlFault } from './read-request.ts';

/** What the caller is told of an error; the log keeps what it hides. @param failure the operation's own, for our faults */
export function toFault(log: Log, error: unknown, failure: FaultName, operation: string): PwsFault {
  const fault = translate(error, failure);
  if (!isCallerError(fault) && fault !== error) {
    log.error({ operation, err: describeError(error), code: fault.code }, 'a request could not be done');
  }
  return fault;
}

function translate(error: unknown, failure: FaultName): PwsFault {
  if (error instanceof PwsFault) return error;
  if (error instanceof XmlError) return xmlFault(error);
  if (error instanceof ImpError && error.code === 'login-datastore.session-ended') {
    return new PwsFault('sessionNotValid', undefined, { cause: error });
  }
  // A store that is away or full: to be tried later, never a wrong password.
  if (error instanceof ImpError && error.kind === 'unavailable') {
    return new PwsFault('overloaded', undefined, { cause: error });
  }
  return new PwsFault(failure, undefined, { cause: error });
}
