import type { SipProxyBase } from '../../rpc/sip-proxy/configuration.ts';
import { BASE_PARAMETERS } from '../../rpc/sip-proxy/parameters.ts';

/** Names of what differs between the base that was started with and a newer one. */
export function restartNeeded(started: SipProxyBase, newer: SipProxyBase): readonly string[] {
  const names: string[] = [];
  for (const name of Object.keys(BASE_PARAMETERS) as (keyof typeof BASE_PARAMETERS)[]) {
    if (started.parameters[name] !== newer.parameters[name]) names.push(name);
  }
  if (JSON.stringify(started.listeners) !== JSON.stringify(newer.listeners)) names.push('application listeners');
  if (JSON.stringify(started.tlsContexts) !== JSON.stringify(newer.tlsContexts)) names.push('TLS peer subjects');
  return names;
}
