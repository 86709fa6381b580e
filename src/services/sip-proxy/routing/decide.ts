import type { FederatedDomain, MethodEventRoute } from '../../../rpc/sip-proxy/configuration.ts';
import type { RouteTable, StaticRoute } from '../../../rpc/sip-proxy/static-route.ts';
import type { RoutedUser, UserRoute } from '../../route-datastore/route-datastore.ts';

/** What routing asks of a request. */
export interface RoutingQuestion {
  /** False: an untrusted sender of a foreign domain. */
  readonly isAdmitted: boolean;
  /** The sender is on the incoming list: CUCM is, with what its phones do. */
  readonly isTrusted: boolean;
  readonly method: string;
  /** Event package in lower case; '' when there is none. */
  readonly event: string;
  /** User part of the Request-URI, escapes read; '' when there is none. */
  readonly user: string;
  /** Host of the Request-URI, lower case. */
  readonly host: string;
  /** The host is a domain or name of ours. */
  readonly isOurs: boolean;
  /** What the Route Datastore says of the user; undefined for a foreign host or no user. */
  readonly userRoute: UserRoute | undefined;
}

export interface RoutingTables {
  readonly staticRoutes: RouteTable;
  /** Empty while method and event routing is off. */
  readonly methodEventRoutes: readonly MethodEventRoute[];
  /** Names and addresses of the other nodes of the cluster, in lower case, with their addresses. */
  readonly otherNodes: ReadonlyMap<string, string>;
  readonly federatedDomains: ReadonlyMap<string, FederatedDomain>;
  /** '' when there is none. */
  readonly cucmDomain: string;
}

/** A node of a peer cluster. */
export interface PeerHop {
  readonly address: string;
  /** 0: the well-known ones. */
  readonly port: number;
  readonly tlsPort: number;
  /** '' as the parameter says. */
  readonly transport: 'TCP' | 'UDP' | 'TLS' | '';
}

export type Route =
  | { readonly kind: 'refuse'; readonly status: number; readonly reason: string }
  /** An application listener. */
  | { readonly kind: 'listener'; readonly listener: string }
  | { readonly kind: 'presence-engine' }
  /** The contacts of a user of this node. */
  | { readonly kind: 'local'; readonly user: RoutedUser }
  /** Groups in the order of trying; a group's routes share by weight. */
  | { readonly kind: 'static'; readonly groups: readonly (readonly StaticRoute[])[] }
  /** Other nodes of the cluster: the first that answers. */
  | { readonly kind: 'node'; readonly addresses: readonly string[] }
  /** Nodes of a peer cluster: the first that answers. */
  | { readonly kind: 'peer'; readonly nodes: readonly PeerHop[] }
  /** Where DNS says that the Request-URI's domain is. */
  | { readonly kind: 'domain' };

/** Event packages of the Presence Engine. */
const PRESENCE_EVENTS: ReadonlySet<string> = new Set(['presence', 'presence.winfo']);
/** What CUCM's trunk publishes of phones, for users and for lines. */
const PHONE_EVENTS: ReadonlySet<string> = new Set(['presence', 'dialog']);
/** Methods that are about an event package and nothing without one. */
const EVENT_METHODS: ReadonlySet<string> = new Set(['SUBSCRIBE', 'PUBLISH']);

/**
 * Where a request goes (docs/services/sip-proxy.md, "Order of routing"). The rows, first to last: sender not admitted,
 * method and event, user of this node, static route, other node, peer cluster, CUCM, federated domain, not found.
 */
export function decideRoute(question: RoutingQuestion, tables: RoutingTables): Route {
  const { method, event, user, host, isOurs, userRoute } = question;
  if (!question.isAdmitted) return refuse(403, 'Forbidden');

  const isElsewhere = userRoute?.kind === 'other-node' || userRoute?.kind === 'peer-cluster';
  if (isOurs && !isElsewhere) {
    const listener = listenerFor(method, event, tables.methodEventRoutes);
    if (listener !== undefined) return { kind: 'listener', listener };
  }
  const isOfPhone = question.isTrusted && method === 'PUBLISH' && PHONE_EVENTS.has(event);
  // Lines are nobody's whom the Route Datastore knows: the Presence Engine does.
  if (isOfPhone && isOurs && (userRoute?.kind === 'here' || userRoute?.kind === 'unknown')) {
    return { kind: 'presence-engine' };
  }
  if (userRoute?.kind === 'here' && userRoute.user.isEnabled) {
    if (EVENT_METHODS.has(method)) {
      if (PRESENCE_EVENTS.has(event)) return { kind: 'presence-engine' };
      if (method === 'PUBLISH' || event === '') return refuse(489, 'Bad Event');
    }
    return { kind: 'local', user: userRoute.user };
  }

  const chosen = tables.staticRoutes.choose(user, host);
  if (chosen.kind === 'blocked') return refuse(403, 'Route Blocked');
  if (chosen.kind === 'routes') return { kind: 'static', groups: chosen.groups };

  if (userRoute?.kind === 'other-node') {
    const { node, backup } = userRoute;
    return { kind: 'node', addresses: backup === null ? [node.address] : [node.address, backup.address] };
  }
  const otherNode = tables.otherNodes.get(host);
  if (otherNode !== undefined) return { kind: 'node', addresses: [otherNode] };
  if (userRoute?.kind === 'peer-cluster') return { kind: 'peer', nodes: peerHops(userRoute) };
  if (isOurs) return refuse(404, 'Not Found');
  if (tables.cucmDomain !== '' && host === tables.cucmDomain) return { kind: 'domain' };

  const federated = tables.federatedDomains.get(host);
  if (federated?.policy === 'block') return refuse(403, 'Domain Blocked');
  if (federated?.protocol === 'SIP') return { kind: 'domain' };
  return refuse(404, 'Not Found');
}

/** The node that serves the user, then its partner; the name alone while its topology is not known. */
function peerHops({ node, peerNode, backup }: Extract<UserRoute, { kind: 'peer-cluster' }>): readonly PeerHop[] {
  const known = [peerNode, backup].filter((each) => each !== null);
  if (known.length === 0) return node === '' ? [] : [{ address: node, port: 0, tlsPort: 0, transport: '' }];
  return known.map(({ address, sipPort: port, sipTlsPort: tlsPort, sipTransport: transport }) => ({
    ...{ address, port, tlsPort, transport },
  }));
}

function refuse(status: number, reason: string): Route {
  return { kind: 'refuse', status, reason };
}

/** The most specific row: both named, then the method alone, then the event alone, then neither. */
function listenerFor(method: string, event: string, routes: readonly MethodEventRoute[]): string | undefined {
  let best: { readonly listener: string; readonly rank: number } | undefined;
  for (const route of routes) {
    const isMethod = route.method === method;
    const isEvent = route.event.toLowerCase() === event;
    if ((!isMethod && route.method !== '*') || (!isEvent && route.event !== '*')) continue;
    const rank = (isMethod ? 2 : 0) + (isEvent ? 1 : 0);
    if (best === undefined || rank > best.rank) best = { listener: route.listener, rank };
  }
  return best?.listener;
}
