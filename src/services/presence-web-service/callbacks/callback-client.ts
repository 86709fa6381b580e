import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { createSecureContext, getCACertificates } from 'node:tls';
import { Agent, request } from 'undici';
import type { Clock } from '../../../platform/clock.ts';
import { describeError, ImpError } from '../../../platform/errors.ts';
import { type CallbackTargets, literalAddress } from './callback-target.ts';

export interface CallbackClientOptions {
  readonly timeoutMs: number;
  readonly targets: CallbackTargets;
  /** PEM of authorities trusted besides the system's own. */
  readonly ca: readonly string[];
  /** Connections to one application at once. */
  readonly connections: number;
}

export type CallbackOutcome =
  | { readonly kind: 'done' }
  /** Why it failed, for the log. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Calls applications. Answers are only looked at for their status. */
export interface CallbackClient {
  call(url: string, signal: AbortSignal): Promise<CallbackOutcome>;
  /** Cuts what runs. */
  close(): Promise<void>;
}

const MAX_ANSWER_BYTES = 64 * 1024;

class TargetRefused extends ImpError {
  constructor() {
    super('denied', 'pws.callback-target', 'the address is not allowed as the target of a callback');
  }
}

/** Verified TLS, no redirects, no proxies; the address is judged after the name has been resolved, at each connection. */
export function createCallbackClient(clock: Clock, options: CallbackClientOptions): CallbackClient {
  const secureContext =
    options.ca.length === 0
      ? undefined
      : createSecureContext({ ca: [...getCACertificates('default'), ...options.ca], minVersion: 'TLSv1.2' });
  const agent = new Agent({
    connections: options.connections,
    pipelining: 1,
    headersTimeout: 2 * options.timeoutMs,
    bodyTimeout: 2 * options.timeoutMs,
    connect: {
      timeout: options.timeoutMs,
      lookup: guardedLookup(options.targets),
      ...(secureContext ? { secureContext } : {}),
    },
  });

  return {
    async call(url, signal) {
      const late = new AbortController();
      const timer = clock.schedule(options.timeoutMs, () => late.abort(new Error('no answer in time')));
      try {
        const literal = literalAddress(new URL(url));
        if (literal !== undefined && !options.targets.isAllowed(literal)) throw new TargetRefused();
        const answer = await request(url, {
          method: 'GET',
          dispatcher: agent,
          signal: AbortSignal.any([signal, late.signal]),
        });
        // What it says is of no interest, but reading it keeps the connection; a long one is cut off.
        await answer.body.dump({ limit: MAX_ANSWER_BYTES }).catch(() => undefined);
        const isDone = answer.statusCode >= 200 && answer.statusCode < 300;
        return isDone ? { kind: 'done' } : { kind: 'failed', reason: `status ${answer.statusCode}` };
      } catch (error) {
        return { kind: 'failed', reason: describeError(error) };
      } finally {
        timer[Symbol.dispose]();
      }
    },
    close: () => agent.destroy(),
  };
}

function guardedLookup(targets: CallbackTargets): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) {
        callback(error, []);
        return;
      }
      const [first, ...others] = addresses.filter(({ address }) => targets.isAllowed(address));
      if (!first) callback(new TargetRefused(), []);
      else if (options.all) callback(null, [first, ...others]);
      else callback(null, first.address, first.family);
    });
  };
}
