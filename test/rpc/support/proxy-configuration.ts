import { resolveParameters } from '../../../src/rpc/handover/parameters.ts';
import { DEFAULT_TLS_CONTEXT, type SipProxyConfiguration } from '../../../src/rpc/sip-proxy/configuration.ts';
import { BASE_PARAMETERS, DYNAMIC_PARAMETERS } from '../../../src/rpc/sip-proxy/parameters.ts';
import type { StaticRoute } from '../../../src/rpc/sip-proxy/static-route.ts';

export function staticRoute(given: Partial<StaticRoute> = {}): StaticRoute {
  return {
    pattern: '74*',
    type: 'user',
    nextHop: 'gw1.acme.example',
    port: 5060,
    transport: 'TCP',
    priority: 1,
    weight: 1,
    allowLessSpecific: true,
    inService: true,
    block: false,
    ...given,
  };
}

/** A small configuration; `mark` makes its dynamic part differ, `listener` its base. */
export function proxyConfiguration(mark: string, listener = 'one'): SipProxyConfiguration {
  return {
    base: {
      parameters: resolveParameters(BASE_PARAMETERS, [], 'imp1', undefined).values,
      listeners: [{ name: listener, address: '', port: 5090, transport: 'TCP' }],
      tlsContexts: [{ name: DEFAULT_TLS_CONTEXT, peerSubjects: ['CN=peer & "sons"'] }],
    },
    dynamic: {
      parameters: resolveParameters(DYNAMIC_PARAMETERS, [], 'imp1', undefined).values,
      defaultDomain: 'acme.example',
      domains: ['acme.example', `${mark}.example`],
      nodes: [{ id: 1, name: 'imp1', address: '127.0.0.1', group: 1 }],
      incomingAcl: [{ pattern: '10.0.0.0/8', isGenerated: false }],
      outgoingAcl: [],
      staticRoutes: [staticRoute()],
      methodEventRoutes: [{ method: 'SUBSCRIBE', event: 'presence', listener }],
      federatedDomains: [{ domain: 'other.example', policy: 'allow', protocol: 'SIP' }],
    },
  };
}
