import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { OPERATIONS as CPA_OPERATIONS } from '../../src/services/client-profile-agent/operations/index.ts';
import { methodsOf } from '../../src/services/presence-web-service/rest/rest-exchange.ts';
import { type RestTarget, restTargetOf } from '../../src/services/presence-web-service/rest/rest-target.ts';
import { OPERATIONS as PWS_OPERATIONS } from '../../src/services/presence-web-service/soap/operations/index.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Names in the first column of the tables of one section. */
function rowsOf(page: string, section: string): Set<string> {
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? '';
  const names = new Set<string>();
  for (const line of text.split('\n')) {
    if (!line.startsWith('| ')) continue;
    for (const [, name] of (line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)) names.add(name ?? '');
  }
  return names;
}

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const INTERFACES = [
  {
    service: 'client-profile-agent',
    section: 'Operations',
    operations: CPA_OPERATIONS,
    folder: 'operations',
    wsdl: 'wsdl/client-profile-agent.wsdl',
  },
  {
    service: 'presence-web-service',
    section: 'SOAP',
    operations: PWS_OPERATIONS,
    folder: 'soap/operations',
    wsdl: 'wsdl/presence-web-service.wsdl',
  },
] as const;

describe('the operations of the client interfaces', () => {
  for (const { service, section, operations, folder, wsdl } of INTERFACES) {
    it(`of ${service} each have a row in its page, a docstring with its source, and a place in the WSDL`, () => {
      const names = [...operations.keys()].sort();
      const rows = rowsOf(read(`docs/services/${service}.md`), section);
      assert.deepEqual([...rows].sort(), names);
      for (const name of names) {
        const code = read(`src/services/${service}/${folder}/${kebab(name)}.ts`);
        assert.match(code, /\/\*\*(?:(?!\*\/)[\s\S])*Source: (?:(?!\*\/)[\s\S])*\*\/\nexport const /, name);
      }
      const declared = read(wsdl).matchAll(/<(?:wsdl:)?operation name="([^"]+)"/g);
      assert.deepEqual([...new Set([...declared].map(([, name]) => name))].sort(), names);
    });
  }

  it('of the REST face each have a row, a docstring with their source, and each row is served', () => {
    const page = read('docs/services/presence-web-service.md');
    const documented = new Map<RestTarget['kind'], Set<string>>();
    const served = new Map<RestTarget['kind'], Set<string>>();
    for (const [, method = '', path = ''] of page.matchAll(/`(GET|POST|PUT|DELETE) (\/[^`]*)`/g)) {
      const target = restTargetOf(`/presence-service${path.replaceAll('{id}', '1').replaceAll(/[{}]/g, '')}`);
      documented.set(target.kind, (documented.get(target.kind) ?? new Set()).add(method));
      served.set(target.kind, new Set(methodsOf(target)));
    }
    assert.equal(documented.size, 8, [...documented.keys()].join());
    for (const [kind, methods] of served)
      assert.deepEqual([...(documented.get(kind) ?? [])].sort(), [...methods].sort());
    for (const name of ['end-points', 'presence', 'sessions', 'subscriptions']) {
      const code = read(`src/services/presence-web-service/rest/${name}.ts`);
      const tables = code.match(/^export const [A-Z_]+: RestHandlers/gm)?.length;
      assert.equal(
        code.match(/ Source: (?:(?!\*\/)[\s\S])*\*\/\nexport const [A-Z_]+: RestHandlers/g)?.length,
        tables,
        name,
      );
    }
  });
});
