import type { CucmFixture } from '../mock-cucm/fixture.ts';
import type { SipAddresses } from '../services/sip-proxy/sip-proxy.ts';
import type { SipPassword } from '../sign-in/sip-credentials.ts';
import type { Endpoints } from './endpoints.ts';

/** What fixture users prove themselves with over SIP. */
export function sipPasswordsOf(fixture: CucmFixture): readonly SipPassword[] {
  return fixture.endUsers.map(({ userid, digestCredentials }) => ({
    userid,
    password: digestCredentials ?? fixture.credentials.digestCredentials,
  }));
}

/** The endpoints file's part; absent unless everything of it is open. */
export function sipEndpoints(addresses: SipAddresses | undefined): Pick<Endpoints, 'sip'> {
  if (addresses === undefined) return {};
  const { host, udp, tcp, tls } = addresses;
  return udp === undefined || tcp === undefined || tls === undefined ? {} : { sip: { host, udp, tcp, tls } };
}
