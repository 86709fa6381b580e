import type { Clock } from '../../platform/clock.ts';
import type { TlsMaterial } from '../../platform/https-listener.ts';
import type { Log } from '../../platform/log.ts';
import { createRpcClient } from '../../rpc/client.ts';
import { RpcError } from '../../rpc/errors.ts';
import { answerSchema, type ComponentPeer, type RunningAnswer } from '../../rpc/handover/answer.ts';

export interface EnginePeerOptions {
  /** Where the Presence Engine listens; undefined while it is not running. */
  readonly address: () => { readonly host: string; readonly port: number } | undefined;
  readonly tls: { readonly node: TlsMaterial; readonly ca: string };
  readonly clock: Clock;
  readonly log: Log;
  readonly timeoutMs: number;
}

/** Calls the Presence Engine by JSON-RPC; both sides show certificates. */
export function createEnginePeer(options: EnginePeerOptions): ComponentPeer & AsyncDisposable {
  const rpc = createRpcClient(options);
  const read = (value: unknown): RunningAnswer => {
    const answer = answerSchema.safeParse(value);
    if (!answer.success) throw new RpcError('rpc.bad-answer', 'it answered not as the control interface does');
    return answer.data;
  };
  return {
    isRunning: () => options.address() !== undefined,
    configChanged: async (version, signal) => read(await rpc.call('configChanged', { version }, signal)),
    configVersion: async (signal) => read(await rpc.call('configVersion', {}, signal)),
    [Symbol.asyncDispose]: () => rpc[Symbol.asyncDispose](),
  };
}

/** `host:port`, with brackets around an IPv6 address; undefined when it is not that. */
export function parseAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}
