import type { IncomingMessage } from 'node:http';
import { describeError, type ErrorKind, ImpError } from '../platform/errors.ts';
import { AccessError } from './access/credentials.ts';

/** HTTP statuses of the error kinds. */
const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  denied: 403,
  'not-found': 404,
  conflict: 409,
  unavailable: 503,
  internal: 500,
};

export function statusOf(error: unknown): number {
  if (error instanceof AccessError) return error.status;
  return error instanceof ImpError ? STATUS[error.kind] : 500;
}

/** What a caller is told; of our own faults nothing but that there was one. */
export function publicError(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof ImpError && error.kind !== 'internal') {
    return { code: error.code, message: describeError(error) };
  }
  return { code: 'internal', message: 'internal error: see the log of the node' };
}

export function addressOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? '';
}
