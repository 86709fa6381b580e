import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { XMLParser } from 'fast-xml-parser';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import type { ConfigurationFormat } from '../../src/rpc/handover/format.ts';
import { type Parameter, type ParameterTable, resolveParameters } from '../../src/rpc/handover/parameters.ts';
import { engineFormat } from '../../src/rpc/presence-engine/format.ts';
import { ENGINE_PARAMETERS } from '../../src/rpc/presence-engine/parameters.ts';
import { sipProxyFormat } from '../../src/rpc/sip-proxy/format.ts';
import { BASE_PARAMETERS, DYNAMIC_PARAMETERS } from '../../src/rpc/sip-proxy/parameters.ts';
import { proxyConfiguration, staticRoute } from './support/proxy-configuration.ts';

const schemaOf = (name: string): Promise<string> => readFile(new URL(`../../wsdl/${name}`, import.meta.url), 'utf8');
const page = (name: string): Promise<string> =>
  readFile(new URL(`../../docs/services/${name}.md`, import.meta.url), 'utf8');

async function assertValid(schemaName: string, texts: readonly string[]): Promise<void> {
  using schema = XmlDocument.fromString(await schemaOf(schemaName));
  using validator = XsdValidator.fromDoc(schema);
  for (const text of texts) {
    using document = XmlDocument.fromString(text);
    validator.validate(document);
  }
}

async function reload<Content>(format: ConfigurationFormat<Content>, content: Content): Promise<Content> {
  const files = new Map(format.render(content, 7, undefined).map(({ name, text }) => [name, text]));
  const loaded = await format.load(async (name) => files.get(name) ?? assert.fail(name));
  assert.equal(loaded.version, 7);
  return loaded.content;
}

describe('the configuration files', () => {
  const proxy = proxyConfiguration('b');
  const full = {
    ...proxy,
    dynamic: { ...proxy.dynamic, staticRoutes: [staticRoute({ pattern: '<&">' }), staticRoute({ pattern: 'é\\*' })] },
  };
  const engine = {
    parameters: resolveParameters(ENGINE_PARAMETERS, [], 'imp1', undefined).values,
    defaultDomain: 'acme.example',
    domains: ['acme.example'],
    node: { id: 1, name: 'imp1', group: 1, isPublisher: true },
    peer: { id: 2, name: 'imp2', address: '10.0.0.2' },
    gateways: [{ type: 'Office 365', address: 'outlook.example' }],
  } as const;

  it('fit their schemas, and an independent reader finds the same in them', async () => {
    const files = sipProxyFormat.render(full, 7, undefined);
    assert.equal(files.length, 2);
    await assertValid(
      'sip-proxy-configuration.xsd',
      files.map(({ text }) => text),
    );
    await assertValid(
      'presence-engine-configuration.xsd',
      engineFormat.render(engine, 7, undefined).map(({ text }) => text),
    );
    const parser = new XMLParser({ ignoreAttributes: false, parseTagValue: false, parseAttributeValue: false });
    const read = parser.parse(files[1]?.text ?? '', true) as {
      'sip-proxy-dynamic': { 'static-routes': { 'static-route': { '@_pattern': string }[] } };
    };
    const patterns = read['sip-proxy-dynamic']['static-routes']['static-route'].map((each) => each['@_pattern']);
    assert.deepEqual(patterns, ['<&">', 'é\\*']);
  });

  it('are read as they were written', async () => {
    assert.deepEqual(await reload(sipProxyFormat, full), full);
    assert.deepEqual(await reload(engineFormat, engine), engine);
  });

  it('have every parameter in the documentation, with its range and default', async () => {
    const range = (parameter: Parameter): string => {
      if (parameter.type === 'integer') return `${parameter.min} to ${parameter.max}`;
      if (parameter.type === 'choice') return parameter.choices.join(', ');
      return parameter.type === 'boolean' ? 'true, false' : 'text';
    };
    const documented = async (name: string, ...tables: readonly ParameterTable[]): Promise<void> => {
      const text = await page(name);
      for (const [key, parameter] of tables.flatMap((table) => Object.entries(table))) {
        const initial = parameter.default === '' ? 'empty' : String(parameter.default);
        const row = `| \`${key}\` | ${range(parameter)} | ${initial} | ${parameter.apply} | ${parameter.doc} |`;
        assert.ok(text.includes(row), `docs/services/${name}.md lacks the row\n${row}`);
      }
    };
    await documented('config-agent', BASE_PARAMETERS, DYNAMIC_PARAMETERS);
    await documented('oam-agent', ENGINE_PARAMETERS);
  });
});
