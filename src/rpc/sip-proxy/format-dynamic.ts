import { z } from 'zod';
import { type Attributes, element, join, type Markup } from '../../xml/write.ts';
import { readParameters, writeParameters } from '../handover/parameters-xml.ts';
import { attributesOf, childOf, childrenOf, type Placed } from '../handover/strict-xml.ts';
import { boolean, flagless, integer } from '../handover/values.ts';
import type { AclEntry, SipProxyDynamic } from './configuration.ts';
import { DYNAMIC_PARAMETERS } from './parameters.ts';
import { TRANSPORTS } from './static-route.ts';

const list = (name: string, child: string, items: readonly Attributes[], attributes?: Attributes): Markup =>
  element(name, attributes, join(items.map((item) => element(child, item))));

const aclItems = (entries: readonly AclEntry[]): Attributes[] =>
  entries.map(({ pattern, isGenerated }) => ({ pattern, generated: isGenerated }));

/** What stands in the dynamic file. */
export function writeDynamic(dynamic: SipProxyDynamic): Markup {
  return join([
    writeParameters(DYNAMIC_PARAMETERS, dynamic.parameters),
    list(
      'domains',
      'domain',
      dynamic.domains.map((name) => ({ name })),
      { default: dynamic.defaultDomain },
    ),
    list(
      'nodes',
      'node',
      dynamic.nodes.map(({ id, name, address, group }) => ({ id, name, address, group })),
    ),
    list('incoming-acl', 'entry', aclItems(dynamic.incomingAcl)),
    list('outgoing-acl', 'entry', aclItems(dynamic.outgoingAcl)),
    list(
      'static-routes',
      'static-route',
      dynamic.staticRoutes.map((route) => ({
        pattern: route.pattern,
        type: route.type,
        'next-hop': route.nextHop,
        port: route.port,
        transport: route.transport,
        priority: route.priority,
        weight: route.weight,
        'allow-less-specific': route.allowLessSpecific,
        'in-service': route.inService,
        block: route.block,
      })),
    ),
    list(
      'method-event-routes',
      'method-event-route',
      dynamic.methodEventRoutes.map(({ method, event, listener }) => ({ method, event, listener })),
    ),
    list(
      'federated-domains',
      'federated-domain',
      dynamic.federatedDomains.map(({ domain, policy, protocol }) => ({ name: domain, policy, protocol })),
    ),
  ]);
}

const PARTS = {
  parameters: 'one',
  domains: 'one',
  nodes: 'one',
  'incoming-acl': 'one',
  'outgoing-acl': 'one',
  'static-routes': 'one',
  'method-event-routes': 'one',
  'federated-domains': 'one',
} as const;

const nodeSchema = z.strictObject({
  id: integer(0, Number.MAX_SAFE_INTEGER),
  name: z.string(),
  address: z.string(),
  group: integer(0, Number.MAX_SAFE_INTEGER),
});
const entrySchema = z.strictObject({ pattern: z.string(), generated: boolean });
const routeSchema = z
  .strictObject({
    pattern: z.string(),
    type: z.enum(['user', 'domain']),
    'next-hop': z.string(),
    port: integer(0, 65_535),
    transport: z.enum(TRANSPORTS),
    priority: integer(1, 65_535),
    weight: integer(1, 65_535),
    'allow-less-specific': boolean,
    'in-service': boolean,
    block: boolean,
  })
  .transform(({ 'next-hop': nextHop, 'allow-less-specific': allowLessSpecific, 'in-service': inService, ...rest }) => ({
    ...rest,
    nextHop,
    allowLessSpecific,
    inService,
  }));
const methodSchema = z.strictObject({ method: z.string(), event: z.string(), listener: z.string() });
const federatedSchema = z.strictObject({
  name: z.string(),
  policy: z.enum(['allow', 'block']),
  protocol: z.enum(['SIP', 'XMPP']),
});

/** @throws ConfigurationError `configuration.schema` */
export function readDynamic(root: Placed): SipProxyDynamic {
  const parts = childrenOf(root, PARTS);
  const items = <T>(part: keyof typeof PARTS, child: string, schema: z.ZodType<T>): T[] => {
    const placed = childOf(parts, part);
    return (childrenOf(part === 'domains' ? placed : flagless(placed), { [child]: 'many' })[child] ?? []).map((each) =>
      attributesOf(each, schema),
    );
  };
  const acl = (part: 'incoming-acl' | 'outgoing-acl'): AclEntry[] =>
    items(part, 'entry', entrySchema).map(({ pattern, generated }) => ({ pattern, isGenerated: generated }));
  return {
    parameters: readParameters(DYNAMIC_PARAMETERS, flagless(childOf(parts, 'parameters'))),
    defaultDomain: attributesOf(childOf(parts, 'domains'), z.strictObject({ default: z.string() })).default,
    domains: items('domains', 'domain', z.strictObject({ name: z.string() })).map(({ name }) => name),
    nodes: items('nodes', 'node', nodeSchema),
    incomingAcl: acl('incoming-acl'),
    outgoingAcl: acl('outgoing-acl'),
    staticRoutes: items('static-routes', 'static-route', routeSchema),
    methodEventRoutes: items('method-event-routes', 'method-event-route', methodSchema),
    federatedDomains: items('federated-domains', 'federated-domain', federatedSchema).map(({ name, ...rest }) => ({
      domain: name,
      ...rest,
    })),
  };
}
