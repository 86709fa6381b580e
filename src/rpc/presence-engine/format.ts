import { z } from 'zod';
import { element, join, type Markup, XML_DECLARATION } from '../../xml/write.ts';
import type { ConfigurationFormat } from '../handover/format.ts';
import { readParameters, writeParameters } from '../handover/parameters-xml.ts';
import { checkSeal, sealed, sha256 } from '../handover/seal.ts';
import { attributesOf, childOf, childrenOf, type Placed, parseRoot } from '../handover/strict-xml.ts';
import { boolean, checksum, flagless, integer } from '../handover/values.ts';
import { checkEngineConfiguration, type EngineConfiguration, GATEWAY_TYPES } from './configuration.ts';
import { ENGINE_PARAMETERS } from './parameters.ts';

/** Namespace of the file: wsdl/presence-engine-configuration.xsd. */
export const ENGINE_NAMESPACE = 'urn:imp-gateway:presence-engine-configuration:1';
export const ENGINE_FILE = 'presence-engine.xml';

const anyNumber = integer(0, Number.MAX_SAFE_INTEGER);
const rootSchema = z.strictObject({ version: anyNumber, checksum });
const nodeSchema = z.strictObject({ id: anyNumber, name: z.string(), group: anyNumber, publisher: boolean });
const peerSchema = z.strictObject({ id: anyNumber, name: z.string(), address: z.string() });
const gatewaySchema = z.strictObject({ type: z.enum(GATEWAY_TYPES), address: z.string() });

/** One file is a version. */
export const engineFormat: ConfigurationFormat<EngineConfiguration> = {
  fingerprint: (content) => sha256(bodyOf(content)),
  render(content, version) {
    const { text } = sealed((seal) => {
      const root = element('presence-engine', { xmlns: ENGINE_NAMESPACE, version, checksum: seal }, bodyOf(content));
      return `${XML_DECLARATION}\n${root}\n`;
    });
    return [{ name: ENGINE_FILE, text }];
  },
  async load(read) {
    const text = await read(ENGINE_FILE);
    const root = parseRoot(ENGINE_FILE, text, ENGINE_NAMESPACE, 'presence-engine');
    checkSeal(ENGINE_FILE, text);
    const { version } = attributesOf(root, rootSchema);
    const content = readBody(root);
    checkEngineConfiguration(content);
    return { version, content, files: [ENGINE_FILE] };
  },
  isOurs: (name) => name === ENGINE_FILE,
};

function bodyOf({ parameters, domains, defaultDomain, node, peer, gateways }: EngineConfiguration): Markup {
  const { id, name, group, isPublisher } = node;
  return join([
    writeParameters(ENGINE_PARAMETERS, parameters),
    element('domains', { default: defaultDomain }, join(domains.map((each) => element('domain', { name: each })))),
    element('node', { id, name, group, publisher: isPublisher }),
    element(
      'peers',
      undefined,
      join(peer ? [element('peer', { id: peer.id, name: peer.name, address: peer.address })] : []),
    ),
    element('gateways', undefined, join(gateways.map(({ type, address }) => element('gateway', { type, address })))),
  ]);
}

function readBody(root: Placed): EngineConfiguration {
  const parts = childrenOf(root, { parameters: 'one', domains: 'one', node: 'one', peers: 'one', gateways: 'one' });
  const domains = childOf(parts, 'domains');
  const { publisher, ...node } = attributesOf(childOf(parts, 'node'), nodeSchema);
  const peers = childrenOf(flagless(childOf(parts, 'peers')), { peer: 'many' }).peer;
  return {
    parameters: readParameters(ENGINE_PARAMETERS, flagless(childOf(parts, 'parameters'))),
    defaultDomain: attributesOf(domains, z.strictObject({ default: z.string() })).default,
    domains: childrenOf(domains, { domain: 'many' }).domain.map(
      (each) => attributesOf(each, z.strictObject({ name: z.string() })).name,
    ),
    node: { ...node, isPublisher: publisher },
    peer: peers.map((each) => attributesOf(each, peerSchema))[0] ?? null,
    gateways: childrenOf(flagless(childOf(parts, 'gateways')), { gateway: 'many' }).gateway.map((each) =>
      attributesOf(each, gatewaySchema),
    ),
  };
}
