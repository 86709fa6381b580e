import { z } from 'zod';
import { RpcError } from './errors.ts';

/** JSON-RPC 2.0, one message a line. Batches (section 6) are refused: a line each says the same. */

export type RpcId = string | number;

export type RpcMessage =
  | { readonly kind: 'request'; readonly id: RpcId; readonly method: string; readonly params: unknown }
  | { readonly kind: 'notification'; readonly method: string; readonly params: unknown }
  | { readonly kind: 'result'; readonly id: RpcId; readonly result: unknown }
  | {
      readonly kind: 'error';
      /** null: the peer could not read which request it was. */
      readonly id: RpcId | null;
      readonly error: { readonly code: number; readonly message: string; readonly data?: unknown };
    };

const id = z.union([z.string().max(128), z.int()]);
const version = z.literal('2.0');
const params = z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).optional();

const call = z.strictObject({ jsonrpc: version, method: z.string().min(1).max(128), params, id: id.optional() });
const result = z.strictObject({ jsonrpc: version, id, result: z.unknown() });
const failure = z.strictObject({
  jsonrpc: version,
  id: id.nullable(),
  error: z.object({ code: z.int(), message: z.string(), data: z.unknown().optional() }),
});

/** @throws RpcError `rpc.not-json`, `rpc.invalid-message` */
export function parseMessage(line: string): RpcMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new RpcError('rpc.not-json', 'a line is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RpcError('rpc.invalid-message', 'a line is not a JSON-RPC 2.0 object');
  }
  if ('method' in value) {
    const read = call.safeParse(value);
    if (!read.success) throw invalid(read.error);
    const { method, params: given } = read.data;
    if (read.data.id === undefined) return { kind: 'notification', method, params: given };
    return { kind: 'request', id: read.data.id, method, params: given };
  }
  if ('result' in value) {
    const read = result.safeParse(value);
    if (!read.success) throw invalid(read.error);
    return { kind: 'result', id: read.data.id, result: read.data.result };
  }
  const read = failure.safeParse(value);
  if (!read.success) throw invalid(read.error);
  return { kind: 'error', id: read.data.id, error: read.data.error };
}

function invalid(cause: z.ZodError): RpcError {
  const first = cause.issues[0];
  const where = first?.path.join('.') ?? '';
  const what = first?.message ?? '';
  return new RpcError(
    'rpc.invalid-message',
    `not a JSON-RPC 2.0 message: ${where === '' ? '' : `${where}: `}${what}`.trim(),
  );
}

export function requestLine(requestId: RpcId, method: string, given: unknown): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id: requestId, method, ...(given === undefined ? {} : { params: given }) })}\n`;
}

export function resultLine(requestId: RpcId, value: unknown): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id: requestId, result: value === undefined ? null : value })}\n`;
}

export function errorLine(
  requestId: RpcId | null,
  error: { readonly code: number; readonly message: string; readonly data?: unknown },
): string {
  return `${JSON.stringify({ jsonrpc: '2.0', id: requestId, error })}\n`;
}
