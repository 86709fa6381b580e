import { Agent, request } from 'undici';
import type { Clock } from '../../platform/clock.ts';
import type { TlsMaterial } from '../../platform/https-listener.ts';
import { isNobody, RpcError } from '../../rpc/errors.ts';
import { answerSchema, type ComponentPeer, type RunningAnswer } from '../../rpc/handover/answer.ts';

export interface ProxyPeerOptions {
  /** The SIP Proxy's control interface; undefined while it is not running. */
  readonly url: () => string | undefined;
  readonly tls: { readonly node: TlsMaterial; readonly ca: string };
  readonly clock: Clock;
  readonly timeoutMs: number;
}

const MAX_ANSWER_BYTES = 64 * 1024;
/** Accepted, or refused with the reason: both are answers. */
const ANSWERS = new Set([200, 409]);

/** Calls the SIP Proxy over HTTPS; both sides show certificates. */
export function createProxyPeer(options: ProxyPeerOptions): ComponentPeer & AsyncDisposable {
  const connect = (): Agent =>
    new Agent({
      connect: { ca: options.tls.ca, key: options.tls.node.key, cert: options.tls.node.cert },
      maxResponseSize: MAX_ANSWER_BYTES,
      connections: 1,
    });
  let shown = options.tls.node.cert;
  let agent = connect();

  /** With the certificate that the node has now. */
  const dispatcher = async (): Promise<Agent> => {
    if (options.tls.node.cert !== shown) {
      shown = options.tls.node.cert;
      const before = agent;
      agent = connect();
      await before.close();
    }
    return agent;
  };

  const call = async (method: 'GET' | 'POST', path: string, body: string | null, signal: AbortSignal) => {
    const url = options.url();
    if (url === undefined) throw new RpcError('rpc.unreachable', 'it is not running');
    const late = new AbortController();
    const timer = options.clock.schedule(options.timeoutMs, () =>
      late.abort(new RpcError('rpc.timeout', `${url} did not answer within ${options.timeoutMs / 1000} s`)),
    );
    try {
      const answer = await request(`${url.replace(/\/$/, '')}${path}`, {
        method,
        body,
        dispatcher: await dispatcher(),
        headers: body === null ? {} : { 'content-type': 'application/json' },
        signal: AbortSignal.any([signal, late.signal]),
      });
      return read(url, answer.statusCode, await answer.body.text());
    } catch (cause) {
      if (cause instanceof RpcError) throw cause;
      signal.throwIfAborted();
      late.signal.throwIfAborted();
      if (isNobody(cause)) throw new RpcError('rpc.unreachable', `nobody listens at ${url}`, { cause });
      throw new RpcError('rpc.closed', `the call to ${url} was cut off`, { cause });
    } finally {
      timer[Symbol.dispose]();
    }
  };

  return {
    isRunning: () => options.url() !== undefined,
    configChanged: (version, signal) => call('POST', '/config-changed', JSON.stringify({ version }), signal),
    configVersion: (signal) => call('GET', '/config-version', null, signal),
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

function read(url: string, status: number, body: string): RunningAnswer {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new RpcError('rpc.bad-answer', `${url} answered ${status} without JSON`);
  }
  const answer = answerSchema.safeParse(value);
  if (!ANSWERS.has(status) || !answer.success) {
    throw new RpcError('rpc.bad-answer', `${url} answered ${status} and not as the control interface does`);
  }
  return answer.data;
}
