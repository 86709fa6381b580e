import { DEFAULT_TLS_CONTEXT, type SipProxyConfiguration } from '../../rpc/sip-proxy/configuration.ts';
import { createRouteTable, type Transport } from '../../rpc/sip-proxy/static-route.ts';
import { type Flow, hostOf } from '../../sip/transport/flow.ts';
import { createAccessList } from './access/access-list.ts';
import type { NameWatch } from './access/address-book.ts';
import { type Authentication, type AuthenticationNeeds, createAuthentication } from './access/authentication.ts';
import { createLocalNames, type LocalNames, type OwnListening } from './access/local-names.ts';
import type { RoutingTables } from './routing/decide.ts';

/** What a configuration means for the requests that come in while it is in force. */
export interface Policy {
  readonly configuration: SipProxyConfiguration;
  readonly names: LocalNames;
  readonly authentication: Authentication;
  readonly tables: RoutingTables;
  /** Requests that come this way need no proof of who sent them. */
  isTrusted(flow: Flow): boolean;
  /** A certificate that was verified says that the peer speaks for a domain that may send to us. */
  speaksFor(flow: Flow, domain: string): boolean;
  /** Whether requests may be sent to a host outside of the cluster. */
  maySendTo(host: string): boolean;
  /** URI of an application listener; undefined for one of ours, or none. */
  listenerUri(name: string): string | undefined;
}

export interface PolicyNeeds {
  readonly nodeName: string;
  readonly own: OwnListening;
  readonly authentication: AuthenticationNeeds;
  readonly nameWatch: NameWatch;
  /** Whether the certificate is that of a node of a peer cluster. */
  readonly isPeerNode: (fingerprint: string) => boolean;
}

export function createPolicy(
  configuration: SipProxyConfiguration,
  needs: PolicyNeeds,
  previous: Policy | undefined,
): Policy {
  const { base, dynamic } = configuration;
  const self = dynamic.nodes.find(({ name }) => name === needs.nodeName);
  const incoming = createAccessList(dynamic.incomingAcl, self?.address ?? '');
  const outgoing = createAccessList(dynamic.outgoingAcl, '');
  const subjects = new Set(
    base.tlsContexts
      .filter(({ name }) => name === DEFAULT_TLS_CONTEXT)
      .flatMap(({ peerSubjects }) => peerSubjects.map((subject) => subject.replace(/^CN=/i, '').toLowerCase())),
  );
  const realm = dynamic.defaultDomain;
  const others = dynamic.nodes.filter(({ name }) => name !== needs.nodeName);
  needs.nameWatch.follow(incoming.names);
  return {
    configuration,
    names: createLocalNames(dynamic, {
      ...needs.own,
      names: [...needs.own.names, needs.nodeName, self?.address ?? ''],
    }),
    // Nonces that were given out stay good as long as the realm does.
    authentication:
      previous?.authentication.realm === realm
        ? previous.authentication
        : createAuthentication(realm, needs.authentication),
    tables: {
      staticRoutes: createRouteTable(dynamic.staticRoutes),
      methodEventRoutes: dynamic.parameters.methodEventRouting
        ? dynamic.methodEventRoutes.filter(({ listener }) => base.listeners.some(({ name }) => name === listener))
        : [],
      otherNodes: new Map(
        others.flatMap(({ name, address }) => [
          [name.toLowerCase(), address],
          [address.toLowerCase(), address],
        ]),
      ),
      federatedDomains: new Map(dynamic.federatedDomains.map((each) => [each.domain.toLowerCase(), each])),
      cucmDomain: dynamic.parameters.cucmDomain.toLowerCase(),
    },
    isTrusted: ({ remote, peerNames, peerFingerprint }) =>
      (peerFingerprint !== '' && needs.isPeerNode(peerFingerprint)) ||
      incoming.coversAddress(remote.address, needs.nameWatch.addressesOf, peerNames) ||
      peerNames.some((name) => subjects.has(bareName(name))),
    speaksFor({ peerNames }, domain) {
      const known = dynamic.federatedDomains.find((each) => each.domain.toLowerCase() === domain);
      return (
        known?.policy === 'allow' && known.protocol === 'SIP' && peerNames.some((name) => bareName(name) === domain)
      );
    },
    maySendTo: (host) => outgoing.isEmpty || outgoing.coversHost(host),
    listenerUri(name) {
      const found = base.listeners.find((listener) => listener.name === name);
      if (found === undefined) return undefined;
      return sipUri(found.address === '' ? needs.own.host : found.address, found.port, found.transport);
    },
  };
}

/** `DNS:name`, `URI:sip:name` and `CN:name` as the name. */
function bareName(name: string): string {
  return name.replace(/^[^:]*:(?:sips?:)?/i, '').toLowerCase();
}

/** Where a next hop is. @param port 0: DNS SRV says */
export function sipUri(host: string, port: number, transport: Transport): string {
  const authority = `${hostOf(host)}${port === 0 ? '' : `:${port}`}`;
  return `sip:${authority};transport=${transport.toLowerCase()}`;
}
