import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { createScope, type OwnedScope } from '../../src/platform/scope.ts';
import { createRequest } from '../../src/sip/message/build.ts';
import type { SipRequest } from '../../src/sip/message/message.ts';
import {
  createSipEndpoint,
  type SipEndpoint,
  type SipEndpointNeeds,
  type SipEndpointOptions,
} from '../../src/sip/sip.ts';
import type { Hop, SipTransport } from '../../src/sip/transport/flow.ts';
import { NameAddr } from '../../src/sip/values/name-addr.ts';

export interface OpenEndpoint extends AsyncDisposable {
  readonly sip: SipEndpoint;
  readonly scope: OwnedScope;
  hop(transport?: SipTransport): Hop;
}

/** An endpoint on free loopback ports; disposing closes it. */
export async function openEndpoint(
  options: Partial<SipEndpointOptions> = {},
  needs: Partial<SipEndpointNeeds> = {},
): Promise<OpenEndpoint> {
  const clock: Clock = needs.clock ?? systemClock;
  const sip = createSipEndpoint(
    { clock, log: createLog({ level: 'silent' }), ...needs },
    { host: '127.0.0.1', port: 0, tlsPort: options.tls === undefined ? null : 0, ...options },
  );
  const scope = createScope(clock, (error) => {
    throw error;
  });
  await sip.open(scope);
  return {
    sip,
    scope,
    hop(transport = 'UDP') {
      const address = sip.addresses[transport.toLowerCase() as Lowercase<SipTransport>];
      if (address === undefined) throw new Error(`${transport} is not open`);
      const hop = { transport, address: address.address, port: address.port };
      return transport === 'TLS' ? { ...hop, serverName: 'localhost' } : hop;
    },
    [Symbol.asyncDispose]: () => scope.close(),
  };
}

let calls = 0;

export function newRequest(method: string, headers: Iterable<readonly [string, string]> = []): SipRequest {
  calls += 1;
  return createRequest({
    method,
    uri: 'sip:bob@acme.example',
    from: new NameAddr('sip:alice@acme.example', new Map([['tag', `t${calls}`]])),
    to: new NameAddr('sip:bob@acme.example'),
    callId: `call-${calls}`,
    cseq: 1,
    headers,
  });
}

/** Resolves when `listener` is called. */
export function heard<T>(): { promise: Promise<T>; listener: (value: T) => void } {
  let listener: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => {
    listener = resolve;
  });
  return { promise, listener };
}
