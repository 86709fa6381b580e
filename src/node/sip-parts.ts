import type { CucmFixture } from '../mock-cucm/fixture.ts';
import type { SipAddresses } from '../services/sip-proxy/sip-proxy.ts';
import type { SipPassword } from '../sign-in/sip-credentials.ts';
import type { FurtherListener } from '../sip/transport/further.ts';
import type { Endpoints } from './endpoints.ts';
import type { NodeFile } from './node-config.ts';

/** What fixture users prove themselves with over SIP. */
export function sipPasswordsOf(fixture: CucmFixture): readonly SipPassword[] {
  return fixture.endUsers.map(({ userid, digestCredentials }) => ({
    userid,
    password: digestCredentials ?? fixture.credentials.digestCredentials,
  }));
}

/** `prefix000001` and so on prove themselves as the fixture's users do, who have no digest of their own. */
export function generatedSipPassword(fixture: CucmFixture, userPrefix: string): (userid: string) => string | undefined {
  const prefix = userPrefix.toLowerCase();
  return (userid) =>
    userid.startsWith(prefix) && /^\d{6,}$/.test(userid.slice(prefix.length))
      ? fixture.credentials.digestCredentials
      : undefined;
}

/** Listeners of the SIP Proxy that no URI of ours names (docs/services/sip-proxy.md). */
export function furtherSipListeners(
  { bind, listeners }: NodeFile,
  port: (number: number) => number,
): readonly FurtherListener[] {
  return [
    { name: 'TLS for peers', kind: 'peer-tls', host: bind, port: port(listeners.sipPeerTls) },
    { name: 'internal', kind: 'udp-and-tcp', host: '127.0.0.1', port: port(listeners.sipInternal) },
    { name: 'call configuration', kind: 'tcp', host: bind, port: port(listeners.sipCallConfiguration) },
  ];
}

/** The endpoints file's part; absent unless everything of it is open. */
export function sipEndpoints(addresses: SipAddresses | undefined): Pick<Endpoints, 'sip'> {
  if (addresses === undefined) return {};
  const { host, udp, tcp, tls } = addresses;
  return udp === undefined || tcp === undefined || tls === undefined ? {} : { sip: { host, udp, tcp, tls } };
}
