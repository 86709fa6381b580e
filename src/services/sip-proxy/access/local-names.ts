import { networkInterfaces } from 'node:os';
import type { SipProxyDynamic } from '../../../rpc/sip-proxy/configuration.ts';
import { bareHost, plainAddress } from '../../../sip/transport/flow.ts';
import type { SipUri } from '../../../sip/values/uri.ts';

/** Which URIs are ours. */
export interface LocalNames {
  /** A presence domain, another name of the cluster, or this very node: a URI of it is for us to route. */
  isOurs(uri: SipUri): boolean;
  /** The URI names a listener of this node: what a Route of ours looks like. */
  isThisNode(uri: SipUri): boolean;
  /** One of the presence domains. */
  isDomain(host: string): boolean;
}

export interface OwnListening {
  /** Address that is listened on; a wildcard stands for every address of the machine. */
  readonly host: string;
  /** Further names and addresses of this node. */
  readonly names: readonly string[];
  /** Ports in use now. */
  readonly ports: () => readonly number[];
}

const DEFAULT_PORTS = [5060, 5061];

export function createLocalNames(dynamic: SipProxyDynamic, own: OwnListening): LocalNames {
  const { srvClusterName, supplementalServerName, federationRoutingFqdn } = dynamic.parameters;
  const domains = new Set(dynamic.domains.map((domain) => domain.toLowerCase()));
  const clusterNames = new Set(
    [...domains, srvClusterName, supplementalServerName, federationRoutingFqdn]
      .filter((name) => name !== '')
      .map((name) => name.toLowerCase()),
  );
  const nodeNames = new Set([...addressesOf(own.host), ...own.names].map((name) => plainAddress(name.toLowerCase())));
  const isOurPort = (port: number | undefined): boolean =>
    port === undefined || own.ports().includes(port) || DEFAULT_PORTS.includes(port);
  const hostOf = (uri: SipUri): string => bareHost(uri.host).replace(/\.$/, '').toLowerCase();
  const isThisNode = (uri: SipUri): boolean =>
    nodeNames.has(hostOf(uri)) && (uri.port === undefined || own.ports().includes(uri.port));
  return {
    isOurs: (uri) => (clusterNames.has(hostOf(uri)) && isOurPort(uri.port)) || isThisNode(uri),
    isThisNode,
    isDomain: (host) => domains.has(bareHost(host).toLowerCase()),
  };
}

function addressesOf(host: string): readonly string[] {
  if (host !== '0.0.0.0' && host !== '::') return [host];
  return Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? []);
}
