import { z } from 'zod';
import { element, join, type Markup, XML_DECLARATION } from '../../xml/write.ts';
import { ConfigurationError } from '../handover/errors.ts';
import type { ConfigurationFormat } from '../handover/format.ts';
import { readParameters, writeParameters } from '../handover/parameters-xml.ts';
import { checkSeal, sealed, sha256 } from '../handover/seal.ts';
import { attributesOf, childOf, childrenOf, type Placed, parseRoot } from '../handover/strict-xml.ts';
import { checksum, flagless, integer } from '../handover/values.ts';
import { checkSipProxyConfiguration, type SipProxyBase, type SipProxyConfiguration } from './configuration.ts';
import { readDynamic, writeDynamic } from './format-dynamic.ts';
import { BASE_PARAMETERS } from './parameters.ts';
import { TRANSPORTS } from './static-route.ts';

/** Namespace of both files: wsdl/sip-proxy-configuration.xsd. */
export const SIP_PROXY_NAMESPACE = 'urn:imp-gateway:sip-proxy-configuration:1';
export const SIP_PROXY_MAIN_FILE = 'sip-proxy.dynamic.xml';
const BASE_FILE = /^sip-proxy\.base\.(\d{1,15})\.xml$/;

const header = { version: integer(0, Number.MAX_SAFE_INTEGER), checksum };

/**
 * Two files make a version. The dynamic file names the base file that goes with it; a base file's name holds the
 * version that it came with and its content never changes, so that renaming the dynamic file puts both into force at once.
 */
export const sipProxyFormat: ConfigurationFormat<SipProxyConfiguration> = {
  fingerprint: ({ base, dynamic }) => sha256(`${bodyOf(base)}${writeDynamic(dynamic)}`),
  render({ base, dynamic }, version, previous) {
    const body = bodyOf(base);
    const known = previous?.files.map((name) => BASE_FILE.exec(name)?.[1]).find((each) => each !== undefined);
    const isSame = previous !== undefined && known !== undefined && bodyOf(previous.content.base) === body;
    const baseVersion = isSame ? Number(known) : version;
    const name = `sip-proxy.base.${baseVersion}.xml`;
    const baseFile = document('sip-proxy-base', { version: baseVersion }, body);
    const main = document(
      'sip-proxy-dynamic',
      { version, 'base-file': name, 'base-checksum': baseFile.checksum },
      writeDynamic(dynamic),
    );
    const last = { name: SIP_PROXY_MAIN_FILE, text: main.text };
    return isSame ? [last] : [{ name, text: baseFile.text }, last];
  },
  async load(read) {
    const text = await read(SIP_PROXY_MAIN_FILE);
    const root = parseRoot(SIP_PROXY_MAIN_FILE, text, SIP_PROXY_NAMESPACE, 'sip-proxy-dynamic');
    checkSeal(SIP_PROXY_MAIN_FILE, text);
    const main = attributesOf(root, mainSchema);
    const baseText = await read(main['base-file']);
    const baseRoot = parseRoot(main['base-file'], baseText, SIP_PROXY_NAMESPACE, 'sip-proxy-base');
    if (checkSeal(main['base-file'], baseText) !== main['base-checksum']) {
      const message = `it is not the one that ${SIP_PROXY_MAIN_FILE} was written with`;
      throw new ConfigurationError('configuration.checksum', main['base-file'], message);
    }
    attributesOf(baseRoot, baseSchema);
    const content = { base: readBase(baseRoot), dynamic: readDynamic(root) };
    checkSipProxyConfiguration(content);
    return { version: main.version, content, files: [SIP_PROXY_MAIN_FILE, main['base-file']] };
  },
  isOurs: (name) => name === SIP_PROXY_MAIN_FILE || BASE_FILE.test(name),
};

const mainSchema = z.strictObject({
  ...header,
  'base-file': z.string().regex(BASE_FILE, { error: 'is not the name of a base file' }),
  'base-checksum': checksum,
});
const baseSchema = z.strictObject(header);

function document(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  body: Markup,
): { readonly text: string; readonly checksum: string } {
  return sealed((seal) => {
    const root = element(name, { xmlns: SIP_PROXY_NAMESPACE, ...attributes, checksum: seal }, body);
    return `${XML_DECLARATION}\n${root}\n`;
  });
}

function bodyOf(base: SipProxyBase): Markup {
  return join([
    writeParameters(BASE_PARAMETERS, base.parameters),
    element(
      'listeners',
      undefined,
      join(
        base.listeners.map(({ name, address, port, transport }) =>
          element('listener', { name, address, port, transport }),
        ),
      ),
    ),
    element(
      'tls-contexts',
      undefined,
      join(
        base.tlsContexts.map(({ name, peerSubjects }) =>
          element('tls-context', { name }, join(peerSubjects.map((subject) => element('peer-subject', { subject })))),
        ),
      ),
    ),
  ]);
}

const listenerSchema = z.strictObject({
  name: z.string(),
  address: z.string(),
  port: integer(1, 65_535),
  transport: z.enum(TRANSPORTS),
});

function readBase(root: Placed): SipProxyBase {
  const parts = childrenOf(root, { parameters: 'one', listeners: 'one', 'tls-contexts': 'one' });
  const listeners = childrenOf(flagless(childOf(parts, 'listeners')), { listener: 'many' }).listener;
  const contexts = childrenOf(flagless(childOf(parts, 'tls-contexts')), { 'tls-context': 'many' })['tls-context'];
  return {
    parameters: readParameters(BASE_PARAMETERS, flagless(childOf(parts, 'parameters'))),
    listeners: listeners.map((each) => attributesOf(each, listenerSchema)),
    tlsContexts: contexts.map((each) => ({
      ...attributesOf(each, z.strictObject({ name: z.string() })),
      peerSubjects: childrenOf(each, { 'peer-subject': 'many' })['peer-subject'].map(
        (subject) => attributesOf(subject, z.strictObject({ subject: z.string() })).subject,
      ),
    })),
  };
}
