import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import type { Field } from '../../src/mock-cucm/objects/field.ts';
import { axlObjects } from '../../src/mock-cucm/objects/index.ts';
import { attribute, elements, type XmlElement } from '../../src/xml/element.ts';
import { parseXml } from '../../src/xml/parse.ts';

/** The vendor's schema, as the npm client carries it. */
const SCHEMA = join(dirname(createRequire(import.meta.url).resolve('cisco-axl')), 'schema', '14.0', 'AXLSoap.xsd');
const isThere = existsSync(SCHEMA);

/** Factory objects of which only the name is shown. */
const REDUCED = new Set([
  'DevicePool',
  'Location',
  'CommonPhoneConfig',
  'CommonDeviceConfig',
  'PhoneButtonTemplate',
  'SoftKeyTemplate',
  'SipProfile',
  'PhoneSecurityProfile',
  'CredentialPolicy',
]);

function readTypes(): Map<string, XmlElement> {
  const root = parseXml(readFileSync(SCHEMA, 'utf8'), { depth: 64, elements: 1_000_000, attributesPerElement: 64 });
  return new Map(elements(root, 'complexType').map((type) => [attribute(type, 'name') ?? '', type]));
}

/** Names of the elements in a type's sequences, in order. */
function tagsOf(type: XmlElement): string[] {
  return elements(type).flatMap((part) => {
    if (part.local === 'element') return [attribute(part, 'name') ?? ''];
    return ['sequence', 'choice', 'all'].includes(part.local) ? tagsOf(part) : [];
  });
}

const ours = (fields: readonly Field[], verb: string): string[] =>
  fields.filter((field) => field.in.includes(verb)).map((field) => field.tag);

describe('the tags of our objects against the schema that AXL clients are generated from', {
  skip: isThere ? false : 'no schema in cisco-axl',
}, () => {
  const types = isThere ? readTypes() : new Map<string, XmlElement>();
  for (const object of axlObjects) {
    for (const [verb, letter] of [
      ['g', 'R'],
      ['l', 'L'],
      ['a', 'X'],
    ] as const) {
      const type = types.get(letter + object.name);
      const needed = { g: 'get', l: 'list', a: 'add' }[verb];
      if (!type || !object.verbs.some((each) => each === needed)) continue;
      it(`${letter}${object.name}: ${REDUCED.has(object.name) ? 'the same order' : 'the same tags in the same order'}`, () => {
        const schema = tagsOf(type);
        const tags = ours(object.fields, verb);
        const known = REDUCED.has(object.name) ? schema.filter((tag) => tags.includes(tag)) : schema;
        assert.deepEqual(tags, known);
      });
    }
  }
});
