import { type ErrorKind, ImpError } from '../platform/errors.ts';

export type RpcErrorCode =
  | 'rpc.unreachable' // nobody listens there: the component is down
  | 'rpc.timeout'
  | 'rpc.closed' // the connection ended before the answer came
  | 'rpc.tls' // the peer or we could not prove who we are
  | 'rpc.line-too-long'
  | 'rpc.not-utf8'
  | 'rpc.not-json'
  | 'rpc.invalid-message'
  | 'rpc.bad-answer'; // an answer that the method does not give

/** A call could not be made, or a message could not be read. */
export class RpcError extends ImpError {
  override readonly name: string = 'RpcError';
  declare readonly code: RpcErrorCode;
  constructor(code: RpcErrorCode, message: string, options?: { cause?: unknown }) {
    const isInput = code === 'rpc.line-too-long' || code.startsWith('rpc.not-') || code === 'rpc.invalid-message';
    super(isInput ? 'invalid' : 'unavailable', code, message, options);
  }
}

/** What the operating system says when nobody is there. */
const NOBODY = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN']);

/** Whether a connection failed because nobody listens there: the component is down, rather than in trouble. */
export function isNobody(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && NOBODY.has(code);
}

/** The peer answered with an error object (JSON-RPC 2.0, 5.1). */
export class RpcRemoteError extends ImpError {
  override readonly name = 'RpcRemoteError';
  /** The number of the error object. */
  readonly number: number;
  readonly data: unknown;
  constructor(number: number, message: string, data: unknown) {
    super(KIND_OF_NUMBER.get(number) ?? 'internal', 'rpc.remote', message);
    this.number = number;
    this.data = data;
  }
}

/** JSON-RPC 2.0, 5.1; from -32000 down the numbers are ours. */
export const RPC_NUMBER = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
} as const;

const NUMBER_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  invalid: RPC_NUMBER.invalidParams,
  denied: -32001,
  'not-found': -32002,
  conflict: -32003,
  unavailable: -32004,
  internal: RPC_NUMBER.internalError,
};
const KIND_OF_NUMBER = new Map<number, ErrorKind>([
  ...Object.entries(NUMBER_OF_KIND).map(([kind, number]): [number, ErrorKind] => [number, kind as ErrorKind]),
  [RPC_NUMBER.parseError, 'invalid'],
  [RPC_NUMBER.invalidRequest, 'invalid'],
  [RPC_NUMBER.methodNotFound, 'not-found'],
]);

/** What the caller is told of a failure: our own faults keep their message to themselves. */
export function errorObject(error: unknown): { code: number; message: string; data?: { code: string } } {
  if (!(error instanceof ImpError) || error.kind === 'internal') {
    return { code: RPC_NUMBER.internalError, message: 'internal error' };
  }
  return { code: NUMBER_OF_KIND[error.kind], message: error.message, data: { code: error.code } };
}
