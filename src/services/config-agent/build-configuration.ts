import {
  type ConfigurationProblem,
  type ParameterRow,
  resolveParameters,
  unknownParameters,
} from '../../rpc/handover/parameters.ts';
import {
  type AclEntry,
  type ApplicationListener,
  DEFAULT_TLS_CONTEXT,
  faultOf,
  listenerNames,
  type SipProxyBase,
  type SipProxyConfiguration,
} from '../../rpc/sip-proxy/configuration.ts';
import { BASE_PARAMETERS, DYNAMIC_PARAMETERS, OWN_LISTENERS, templatesOf } from '../../rpc/sip-proxy/parameters.ts';
import { isXmlText } from '../../xml/write.ts';
import type { ConfigAgentRows } from './read-rows.ts';
import { usableRoutes } from './usable-routes.ts';

export interface BuiltConfiguration {
  /** undefined: there is no default IM domain, without which nothing is local. */
  readonly configuration: SipProxyConfiguration | undefined;
  /** Static routes that were left out. */
  readonly routeProblems: readonly ConfigurationProblem[];
  /** Everything else that was left out, or kept at its old value. */
  readonly problems: readonly ConfigurationProblem[];
}

/** CUCM's entry that stands for all servers at once. */
const ALL_SERVERS = 'EnterpriseWideData';

/**
 * The complete configuration in a form that depends on nothing but the rows' content: the same rows in another order
 * are the same configuration. A row that is not valid is left out and named.
 */
export function buildConfiguration(
  rows: ConfigAgentRows,
  nodeName: string,
  previous: SipProxyConfiguration | undefined,
): BuiltConfiguration {
  const problems: ConfigurationProblem[] = [];
  /** The items without a fault, in order, one of each key. */
  const usable = <Item>(
    kind: string,
    items: readonly Item[],
    key: (item: Item) => string,
    fault: (item: Item) => string | undefined,
  ): Item[] => {
    const found = new Map<string, Item>();
    const order = (item: Item): string => `${key(item)}\u0000${JSON.stringify(item)}`;
    for (const item of [...items].sort((a, b) => (order(a) < order(b) ? -1 : 1))) {
      const name = `${kind} ${key(item)}`;
      const isText = Object.values(item as object).every((value) => typeof value !== 'string' || isXmlText(value));
      const reason = isText ? fault(item) : 'it holds a character that XML cannot carry';
      if (reason !== undefined) problems.push({ element: name, reason });
      else if (found.has(key(item))) problems.push({ element: name, reason: 'given twice; the first one is used' });
      else found.set(key(item), item);
    }
    return [...found.values()];
  };

  const base = buildBase(rows, nodeName, previous, problems, usable);
  const given: readonly ParameterRow[] = rows.parameters;
  problems.push(...unknownParameters({ ...BASE_PARAMETERS, ...DYNAMIC_PARAMETERS }, given));
  const resolved = resolveParameters(DYNAMIC_PARAMETERS, given, nodeName, previous?.dynamic.parameters);
  problems.push(...resolved.problems);
  const names = listenerNames(base);
  const { preferredListener } = resolved.values;
  const isKnownListener = names.has(preferredListener);
  if (!isKnownListener) {
    const reason = `there is no listener "${preferredListener}"; "${OWN_LISTENERS[0]}" is used`;
    problems.push({ element: 'parameter preferredListener', reason });
  }
  const parameters = isKnownListener ? resolved.values : { ...resolved.values, preferredListener: OWN_LISTENERS[0] };

  const domains = usable(
    'imdomain',
    [...new Set(rows.domains.map(({ domain }) => domain.toLowerCase()))].map((domain) => ({ domain })),
    ({ domain }) => domain,
    ({ domain }) => faultOf.domain(domain),
  ).map(({ domain }) => domain);
  const defaultDomain = rows.domains.find(({ isdefault }) => isdefault === 1)?.domain.toLowerCase();
  const nodes = usable(
    'enterprisenode',
    rows.nodes.map(({ id, name, address, subclusterid }) => ({ id, name, address, group: subclusterid })),
    ({ name }) => name,
    faultOf.node,
  );
  const { routes, problems: routeProblems } = usableRoutes(
    rows.staticRoutes,
    templatesOf(parameters.routeEmbedTemplates),
  );

  const acl = (direction: 'incoming' | 'outgoing'): AclEntry[] => {
    const set = rows.acls
      .filter((row) => row.direction === direction)
      .map(({ pattern }): AclEntry => ({ pattern: isAll(pattern) ? 'all' : pattern, isGenerated: false }));
    return usable(`proxyacl ${direction}`, set, ({ pattern }) => pattern, faultOf.aclEntry);
  };
  const incoming = acl('incoming');
  const servers = rows.cucmServers.filter(({ name }) => name !== ALL_SERVERS).map(({ name }) => name);
  const peers = rows.peerNodes.map(({ address }) => address);
  const known = new Set([...nodes.map(({ address }) => address), ...servers, ...peers]);
  for (const { pattern } of incoming) known.delete(pattern);
  const generated = usable(
    'server',
    [...known].map((pattern): AclEntry => ({ pattern, isGenerated: true })),
    ({ pattern }) => pattern,
    faultOf.aclEntry,
  );

  const dynamic = {
    parameters,
    domains,
    nodes,
    incomingAcl: [...incoming, ...generated],
    outgoingAcl: acl('outgoing'),
    staticRoutes: routes,
    methodEventRoutes: usable(
      'methodeventroute',
      rows.methodEventRoutes.map(({ method, event, listener }) => ({ method, event, listener })),
      ({ method, event }) => `${method} ${event}`.trim(),
      (route) => faultOf.methodEventRoute(route, names),
    ),
    federatedDomains: usable(
      'federateddomain',
      rows.federatedDomains.map(({ domain, policy, protocol }) => ({ domain: domain.toLowerCase(), policy, protocol })),
      ({ domain }) => domain,
      ({ domain, policy, protocol }) => {
        if (policy !== 'allow' && policy !== 'block') return `policy "${policy}" is neither allow nor block`;
        if (protocol !== 'SIP' && protocol !== 'XMPP') return `protocol "${protocol}" is neither SIP nor XMPP`;
        return faultOf.domain(domain);
      },
    ),
  };
  const isComplete = defaultDomain !== undefined && domains.includes(defaultDomain);
  return {
    configuration: isComplete ? { base, dynamic: { ...dynamic, defaultDomain } } : undefined,
    routeProblems,
    problems,
  };
}

type Usable = <Item>(
  kind: string,
  items: readonly Item[],
  key: (item: Item) => string,
  fault: (item: Item) => string | undefined,
) => Item[];

function buildBase(
  rows: ConfigAgentRows,
  nodeName: string,
  previous: SipProxyConfiguration | undefined,
  problems: ConfigurationProblem[],
  usable: Usable,
): SipProxyBase {
  const resolved = resolveParameters(BASE_PARAMETERS, rows.parameters, nodeName, previous?.base.parameters);
  problems.push(...resolved.problems);
  const listeners = rows.listeners.map(
    ({ name, address, port, transport }): ApplicationListener => ({ name, address, port, transport }),
  );
  const subjects = rows.peerSubjects.map(({ subject }) => ({ subject }));
  return {
    parameters: resolved.values,
    listeners: usable('applicationlistener', listeners, ({ name }) => name, faultOf.listener),
    tlsContexts: [
      {
        name: DEFAULT_TLS_CONTEXT,
        peerSubjects: usable(
          'tlspeersubject',
          subjects,
          ({ subject }) => subject,
          ({ subject }) => faultOf.peerSubject(subject),
        ).map(({ subject }) => subject),
      },
    ],
  };
}

function isAll(pattern: string): boolean {
  return pattern.toLowerCase() === 'all';
}
