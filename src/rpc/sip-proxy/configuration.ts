import { isAclPattern, isHost, isHostName } from '../handover/addresses.ts';
import { ConfigurationError } from '../handover/errors.ts';
import {
  type BaseParameters,
  type DynamicParameters,
  isListenAddress,
  OWN_LISTENERS,
  templatesOf,
} from './parameters.ts';
import { faultOfRoute, MAX_SAME_PATTERN, nameOfRoute, type StaticRoute, type Transport } from './static-route.ts';

export interface ApplicationListener {
  readonly name: string;
  /** '' is the node's own. */
  readonly address: string;
  readonly port: number;
  readonly transport: Transport;
}

export interface TlsContext {
  readonly name: string;
  /** Subjects of certificates that peers may show. */
  readonly peerSubjects: readonly string[];
}

/** The context that peers are checked by. */
export const DEFAULT_TLS_CONTEXT = 'Default_Cisco_UP_SIP_Proxy_Peer_Auth_TLS_Context';

export interface AclEntry {
  /** Host name, address, prefix, or `all`. */
  readonly pattern: string;
  /** Made from the server lists rather than set by an administrator. */
  readonly isGenerated: boolean;
}

export interface ClusterNode {
  readonly id: number;
  readonly name: string;
  readonly address: string;
  /** Presence redundancy group. */
  readonly group: number;
}

export interface MethodEventRoute {
  /** SIP method; `*` for all. */
  readonly method: string;
  /** Event package; '' for requests without one, `*` for all. */
  readonly event: string;
  readonly listener: string;
}

export interface FederatedDomain {
  readonly domain: string;
  readonly policy: 'allow' | 'block';
  readonly protocol: 'SIP' | 'XMPP';
}

/** What a restart puts into force. */
export interface SipProxyBase {
  readonly parameters: BaseParameters;
  readonly listeners: readonly ApplicationListener[];
  readonly tlsContexts: readonly TlsContext[];
}

/** What is in force at once. */
export interface SipProxyDynamic {
  readonly parameters: DynamicParameters;
  /** The proxy domain. */
  readonly defaultDomain: string;
  /** All presence domains, the default one among them. */
  readonly domains: readonly string[];
  readonly nodes: readonly ClusterNode[];
  readonly incomingAcl: readonly AclEntry[];
  readonly outgoingAcl: readonly AclEntry[];
  readonly staticRoutes: readonly StaticRoute[];
  readonly methodEventRoutes: readonly MethodEventRoute[];
  readonly federatedDomains: readonly FederatedDomain[];
}

/** The complete configuration of the SIP Proxy. */
export interface SipProxyConfiguration {
  readonly base: SipProxyBase;
  readonly dynamic: SipProxyDynamic;
}

/** A SIP token (RFC 3261 25.1). */
const TOKEN = /^[A-Za-z0-9.!%*_+`'~-]{1,64}$/;

/** The rules of single entries; agent and component have the same. What is wrong, or undefined. */
export const faultOf = {
  listener(listener: ApplicationListener): string | undefined {
    if (listener.name === '' || listener.name.length > 128) return 'its name has not 1 to 128 characters';
    if (isOwnListener(listener.name)) return "the name is one of the proxy's own listeners";
    if (!isListenAddress(listener.address)) return `"${listener.address}" is neither a host name nor an address`;
    return isPort(listener.port) ? undefined : `port ${listener.port} is not from 1 to 65535`;
  },
  aclEntry(entry: AclEntry): string | undefined {
    return isAclPattern(entry.pattern) ? undefined : `"${entry.pattern}" is no host, address, prefix or "all"`;
  },
  node(node: ClusterNode): string | undefined {
    return isHost(node.address) ? undefined : `address "${node.address}" is neither a host name nor an address`;
  },
  methodEventRoute(route: MethodEventRoute, listeners: ReadonlySet<string>): string | undefined {
    if (!TOKEN.test(route.method)) return `"${route.method}" is not a SIP method`;
    if (route.event !== '' && !TOKEN.test(route.event)) return `"${route.event}" is not an event package`;
    return listeners.has(route.listener) ? undefined : `there is no listener "${route.listener}"`;
  },
  peerSubject(subject: string): string | undefined {
    return /^[^\p{C}]{1,255}$/u.test(subject) ? undefined : 'it has not 1 to 255 printable characters';
  },
  domain(domain: string): string | undefined {
    return isHostName(domain) ? undefined : `"${domain}" is not a domain name`;
  },
} as const;

export function isOwnListener(name: string): boolean {
  return (OWN_LISTENERS as readonly string[]).includes(name);
}

/** Every listener that may be referred to. */
export function listenerNames(base: SipProxyBase): ReadonlySet<string> {
  return new Set([...OWN_LISTENERS, ...base.listeners.map(({ name }) => name)]);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** Checks that the whole makes sense. @throws ConfigurationError `configuration.semantics` naming the first bad element */
export function checkSipProxyConfiguration({ base, dynamic }: SipProxyConfiguration): void {
  const names = listenerNames(base);
  const templates = templatesOf(dynamic.parameters.routeEmbedTemplates);
  each(base.listeners, 'listener', ({ name }) => name, faultOf.listener);
  noneTwice(base.listeners, 'listener', ({ name }) => name);
  for (const { name, peerSubjects } of base.tlsContexts) {
    each(peerSubjects, `tls-context ${name}/peer-subject`, (subject) => subject, faultOf.peerSubject);
  }
  if (!base.tlsContexts.some(({ name }) => name === DEFAULT_TLS_CONTEXT)) {
    throw wrong('tls-context', `there is no context ${DEFAULT_TLS_CONTEXT}`);
  }
  each(dynamic.domains, 'domain', (domain) => domain, faultOf.domain);
  if (!dynamic.domains.includes(dynamic.defaultDomain)) {
    throw wrong('domains/@default', `the default domain "${dynamic.defaultDomain}" is none of the domains`);
  }
  if (!names.has(dynamic.parameters.preferredListener)) {
    throw wrong('parameter preferredListener', `there is no listener "${dynamic.parameters.preferredListener}"`);
  }
  each(dynamic.nodes, 'node', ({ name }) => name, faultOf.node);
  each(dynamic.incomingAcl, 'incoming-acl/entry', ({ pattern }) => pattern, faultOf.aclEntry);
  each(dynamic.outgoingAcl, 'outgoing-acl/entry', ({ pattern }) => pattern, faultOf.aclEntry);
  each(dynamic.staticRoutes, 'static-route', nameOfRoute, (route) => faultOfRoute(route, templates));
  const counts = new Map<string, number>();
  for (const { type, pattern } of dynamic.staticRoutes) {
    const key = `${type} ${pattern}`;
    const count = (counts.get(key) ?? 0) + 1;
    if (count > MAX_SAME_PATTERN) throw wrong(`static-route ${key}`, `more than ${MAX_SAME_PATTERN} with this pattern`);
    counts.set(key, count);
  }
  each(
    dynamic.methodEventRoutes,
    'method-event-route',
    ({ method, event }) => `${method} ${event}`,
    (route) => faultOf.methodEventRoute(route, names),
  );
  each(
    dynamic.federatedDomains,
    'federated-domain',
    ({ domain }) => domain,
    ({ domain }) => faultOf.domain(domain),
  );
}

function each<Item>(
  items: readonly Item[],
  kind: string,
  name: (item: Item) => string,
  fault: (item: Item) => string | undefined,
): void {
  for (const item of items) {
    const found = fault(item);
    if (found !== undefined) throw wrong(`${kind} ${name(item)}`, found);
  }
}

function noneTwice<Item>(items: readonly Item[], kind: string, name: (item: Item) => string): void {
  const seen = new Set<string>();
  for (const item of items) {
    if (seen.has(name(item))) throw wrong(`${kind} ${name(item)}`, 'given twice');
    seen.add(name(item));
  }
}

function wrong(element: string, message: string): ConfigurationError {
  return new ConfigurationError('configuration.semantics', element, message);
}
