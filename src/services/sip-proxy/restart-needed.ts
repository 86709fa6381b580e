import type { PendingRestart } from '../../rpc/handover/restart-notices.ts';
import type { SipProxyBase } from '../../rpc/sip-proxy/configuration.ts';
import { BASE_PARAMETERS } from '../../rpc/sip-proxy/parameters.ts';

/** What differs between the base that was started with and a newer one. */
export function restartNeeded(started: SipProxyBase, newer: SipProxyBase): readonly PendingRestart[] {
  const found: PendingRestart[] = [];
  const compare = (setting: string, from: string, to: string, table: string, keyEnd = ''): void => {
    if (from !== to) found.push({ setting, from, to, table, keyEnd });
  };
  for (const name of Object.keys(BASE_PARAMETERS) as (keyof typeof BASE_PARAMETERS)[]) {
    const [from, to] = [started, newer].map(({ parameters }) => String(parameters[name])) as [string, string];
    compare(name, from, to, 'serviceparameter', `\u001f${name}`);
  }
  compare('application listeners', listenersOf(started), listenersOf(newer), 'applicationlistener');
  compare('TLS peer subjects', subjectsOf(started), subjectsOf(newer), 'tlspeersubject');
  return found;
}

function listenersOf({ listeners }: SipProxyBase): string {
  return listeners
    .map(({ name, address, port, transport }) => `${name} (${address === '' ? '' : `${address}:`}${port} ${transport})`)
    .join(', ');
}

function subjectsOf({ tlsContexts }: SipProxyBase): string {
  return tlsContexts.flatMap(({ peerSubjects }) => peerSubjects).join(', ');
}
