import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { faultAction, readAddressing, writeAddressing } from '../../src/soap/addressing.ts';
import {
  ENVELOPE_NAMESPACE,
  isMustUnderstand,
  parseEnvelope,
  type SoapVersion,
  writeEnvelope,
  writeFault,
} from '../../src/soap/envelope.ts';
import { SoapError } from '../../src/soap/errors.ts';
import { element, elements, textOf } from '../../src/xml/element.ts';
import { XmlError } from '../../src/xml/errors.ts';
import { parseXml } from '../../src/xml/parse.ts';
import { element as markup, textElement } from '../../src/xml/write.ts';

const VERSIONS: readonly SoapVersion[] = ['1.1', '1.2'];
const wrap = (version: SoapVersion, inside: string): string =>
  `<x:Envelope xmlns:x="${ENVELOPE_NAMESPACE[version]}">${inside}</x:Envelope>`;

describe('SOAP envelopes', () => {
  it('tell their version by their namespace, whatever the prefixes', () => {
    for (const version of VERSIONS) {
      const read = parseEnvelope(wrap(version, '<x:Header><a/><b/></x:Header><x:Body> <op xmlns="urn:o"/>\n</x:Body>'));
      assert.equal(read.version, version);
      assert.deepEqual([read.headers.map(({ local }) => local), read.payload.uri], [['a', 'b'], 'urn:o']);
      const plain = `<Envelope xmlns="${ENVELOPE_NAMESPACE[version]}"><Body><op xmlns="urn:o"/></Body></Envelope>`;
      assert.deepEqual(parseEnvelope(` \n${plain}`).headers, []);
    }
  });

  it('are refused when they are none, with the version where it is known', () => {
    const refused = (body: string, code: string, version?: SoapVersion): void =>
      assert.throws(
        () => parseEnvelope(body),
        (error) => error instanceof SoapError && error.code === code && error.version === version,
        body,
      );
    refused('<Envelope/>', 'soap.not-an-envelope');
    refused('<e xmlns="urn:other"/>', 'soap.not-an-envelope');
    refused(wrap('1.1', '').replaceAll('Envelope', 'Umschlag'), 'soap.not-an-envelope');
    for (const version of VERSIONS) {
      for (const inside of [
        '',
        '<x:Body/>',
        '<x:Body>text</x:Body>',
        '<Body><op/></Body>',
        '<x:Body><a/><b/></x:Body>',
        '<x:Body><a/></x:Body><x:Body/>',
      ]) {
        refused(wrap(version, inside), 'soap.no-single-payload', version);
      }
    }
    assert.throws(() => parseEnvelope('<!DOCTYPE x><x/>'), XmlError);
  });

  it('are written so that they are read again, faults in the words of each version', () => {
    for (const version of VERSIONS) {
      const payload = textElement('o:op', '<&>', { 'xmlns:o': 'urn:o' });
      const read = parseEnvelope(writeEnvelope(version, payload, markup('h', { xmlns: 'urn:h' })));
      assert.deepEqual([read.version, read.headers.length, textOf(read.payload)], [version, 1, '<&>']);
      const fault = { code: 'Sender', subcode: 'e:why', reason: 'a < b', namespaces: { 'xmlns:e': 'urn:e' } } as const;
      const written = parseEnvelope(writeEnvelope(version, writeFault(version, { ...fault, detail: markup('e:d') })));
      assert.equal(written.payload.uri, ENVELOPE_NAMESPACE[version]);
      const names = elements(written.payload).map(({ local }) => local);
      if (version === '1.1') {
        assert.deepEqual(names, ['faultcode', 'faultstring', 'detail']);
        assert.deepEqual(elements(written.payload).map(textOf), ['s:Client', 'a < b', '']);
        assert.equal(element(written.payload, 'faultcode')?.uri, '');
      } else {
        assert.deepEqual(names, ['Code', 'Reason', 'Detail']);
        assert.deepEqual(elements(written.payload).map(textOf), ['s:Sendere:why', 'a < b', '']);
      }
    }
  });

  it('know which headers must be understood by us', () => {
    const must = (version: SoapVersion, attributes: string): boolean => {
      const { headers } = parseEnvelope(wrap(version, `<x:Header><h ${attributes}/></x:Header><x:Body><a/></x:Body>`));
      return isMustUnderstand(headers[0] as (typeof headers)[number], version);
    };
    for (const version of VERSIONS) {
      for (const value of ['1', 'true', ' 1 ']) assert.equal(must(version, `x:mustUnderstand="${value}"`), true);
      for (const value of ['0', 'false', 'yes', '']) assert.equal(must(version, `x:mustUnderstand="${value}"`), false);
      assert.equal(must(version, 'mustUnderstand="1"'), false);
    }
    const roles = ['next', 'ultimateReceiver'].map((role) => `${ENVELOPE_NAMESPACE['1.2']}/role/${role}`);
    for (const role of roles) assert.equal(must('1.2', `x:mustUnderstand="1" x:role="${role}"`), true);
    assert.equal(must('1.2', 'x:mustUnderstand="1" x:role="urn:someone"'), false);
    assert.equal(must('1.1', 'x:mustUnderstand="1" x:actor="http://schemas.xmlsoap.org/soap/actor/next"'), true);
  });

  it('carry addressing back in the namespace it came in', () => {
    for (const [namespace, fault] of [
      ['http://www.w3.org/2005/08/addressing', 'http://www.w3.org/2005/08/addressing/soap/fault'],
      ['http://schemas.xmlsoap.org/ws/2004/08/addressing', 'http://schemas.xmlsoap.org/ws/2004/08/addressing/fault'],
    ]) {
      const header = parseXml(`<h xmlns="${namespace}"><Action>a</Action><MessageID> urn:1 </MessageID></h>`);
      const read = readAddressing(elements(header));
      assert.deepEqual(read, { namespace, messageId: 'urn:1' });
      assert.equal(faultAction(read), fault);
      const written = elements(parseXml(`<h>${writeAddressing(read, 'urn:back')}</h>`));
      assert.deepEqual(
        written.map((each) => [each.uri, each.local, textOf(each)]),
        [
          [namespace, 'Action', 'urn:back'],
          [namespace, 'RelatesTo', 'urn:1'],
        ],
      );
    }
    assert.equal(readAddressing(elements(parseXml('<h><Action/></h>'))), undefined);
  });
});
