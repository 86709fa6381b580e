import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { OPERATIONS } from '../../../src/services/client-profile-agent/operations/index.ts';
import { attribute, element, elements, type XmlElement } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { EPAS } from './messages.ts';
import { validatePayload } from './schema.ts';

const read = (name: string): XmlElement =>
  parseXml(readFileSync(new URL(`../../../wsdl/${name}`, import.meta.url), 'utf8'));
const WSDL = 'http://schemas.xmlsoap.org/wsdl/';
const SOAP_12 = 'http://schemas.xmlsoap.org/wsdl/soap12/';
const WSAW = 'http://www.w3.org/2006/05/addressing/wsdl';
const wsdl = read('client-profile-agent.wsdl');
const schema = read('epas-soap-interface.xsd');

function only(parent: XmlElement, local: string, uri = WSDL): XmlElement {
  const found = elements(parent, local, uri);
  assert.equal(found.length, 1, `one ${local} in ${parent.local}`);
  return found[0] as XmlElement;
}
const names = (found: readonly XmlElement[]): string[] => found.map((each) => attribute(each, 'name') ?? '').sort();

describe('the WSDL', () => {
  const all = [...OPERATIONS.keys()].sort();

  it('has one port type, one SOAP 1.2 binding and one port, under the names that clients know', () => {
    assert.equal(attribute(wsdl, 'targetNamespace'), EPAS);
    assert.equal(attribute(only(wsdl, 'portType'), 'name'), 'EpasSoapServiceInterface');
    const binding = only(wsdl, 'binding');
    assert.equal(attribute(binding, 'name'), 'EpasSoapServiceBinding');
    assert.equal(attribute(only(binding, 'binding', SOAP_12), 'style') ?? 'document', 'document');
    const service = only(wsdl, 'service');
    assert.equal(attribute(service, 'name'), 'EpasSoapService');
    assert.equal(attribute(only(service, 'port'), 'name'), 'EpasSoapServicePort');
  });

  it('has every operation that is served and no other, with its actions', () => {
    const ports = elements(only(wsdl, 'portType'), 'operation', WSDL);
    const bound = elements(only(wsdl, 'binding'), 'operation', WSDL);
    assert.deepEqual(names(ports), all);
    assert.deepEqual(names(bound), all);
    for (const name of all) {
      const action = `${EPAS}/EpasSoapServiceInterface/${name.replaceAll('-', '_')}`;
      const port = ports.find((each) => attribute(each, 'name') === name) as XmlElement;
      assert.equal(attribute(only(port, 'input'), 'Action', WSAW), action);
      assert.equal(attribute(only(port, 'output'), 'Action', WSAW), `${action}Response`);
      assert.ok(elements(port, 'fault', WSDL).length <= 1);
      const own = bound.find((each) => attribute(each, 'name') === name) as XmlElement;
      assert.equal(attribute(only(own, 'operation', SOAP_12), 'soapAction'), action);
      const header = element(only(own, 'input'), 'header', SOAP_12);
      assert.equal(header !== undefined, name !== 'login', `${name} declares the session header`);
      assert.equal(attribute(only(only(own, 'input'), 'body', SOAP_12), 'use'), 'literal');
    }
  });

  it('names elements that the schema has: the operation, and the operation with -resp', () => {
    const declared = new Set(names(elements(schema, 'element')));
    for (const name of all) {
      assert.ok(declared.has(name), name);
      assert.ok(declared.has(`${name}-resp`), `${name}-resp`);
      const message = elements(wsdl, 'message', WSDL).find((each) => attribute(each, 'name') === name) as XmlElement;
      assert.equal(attribute(only(message, 'part'), 'element'), `tns:${name}`);
    }
    assert.equal(attribute(schema, 'elementFormDefault'), 'qualified');
    assert.notEqual(attribute(schema, 'attributeFormDefault'), 'qualified');
  });

  it('has a schema that takes what clients send, and refuses what the service refuses', () => {
    const x = `xmlns="${EPAS}"`;
    for (const good of [
      `<login ${x} client-type="thirdclient" force="0"><username>mara</username><app-session-id>k</app-session-id></login>`,
      `<login ${x} force="true"><username>mara</username><password> p </password></login>`,
      `<add-contact ${x}><group name="Night shift"><persona-id domain="example.com">mara</persona-id><persona-id>otto@partner.example</persona-id></group></add-contact>`,
      `<get-all-config ${x}><system-config/><federated-domains auth-policy="all"/><contact-info/></get-all-config>`,
      `<session-key ${x} any="attribute">6f0c1de2</session-key>`,
      `<get-onetime-password ${x}/>`,
    ]) {
      validatePayload(good);
    }
    for (const bad of [
      `<login ${x}><username>mara</username></login>`,
      `<login ${x} force="yes"><username>mara</username><password/></login>`,
      `<add-contact ${x}><group/></add-contact>`,
      `<get-all-config ${x}><user-config/><system-config/></get-all-config>`,
      `<search-users ${x}/>`,
    ]) {
      assert.throws(() => validatePayload(bad), bad);
    }
  });
});
