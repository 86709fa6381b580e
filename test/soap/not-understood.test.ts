import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ENVELOPE_NAMESPACE, parseEnvelope, type SoapEnvelope, type SoapVersion } from '../../src/soap/envelope.ts';
import { headersNotUnderstood, writeNotUnderstood } from '../../src/soap/not-understood.ts';
import { attribute, elements } from '../../src/xml/element.ts';
import { textElement } from '../../src/xml/write.ts';

const read = (version: SoapVersion, headers: string): SoapEnvelope =>
  parseEnvelope(
    `<s:Envelope xmlns:s="${ENVELOPE_NAMESPACE[version]}"><s:Header>${headers}</s:Header><s:Body><a/></s:Body></s:Envelope>`,
  );
const must = 's:mustUnderstand="1"';
const answer = (version: SoapVersion, headers: string, more?: ReturnType<typeof textElement>): string =>
  writeNotUnderstood(
    version,
    headersNotUnderstood(read(version, headers), ({ uri }) => uri === 'urn:known'),
    'no',
    more,
  );

describe('headers that are not understood', () => {
  it('are those that must be and are not known', () => {
    const headers = `<a xmlns="urn:known" ${must}/><b xmlns="urn:x" ${must}/><c xmlns="urn:x"/><d xmlns="urn:y" ${must}/>`;
    for (const version of ['1.1', '1.2'] as const) {
      const found = headersNotUnderstood(read(version, headers), ({ uri }) => uri === 'urn:known');
      assert.deepEqual(
        found.map(({ local }) => local),
        ['b', 'd'],
      );
    }
  });

  it('are named one by one in 1.2, beside other headers, and not in 1.1', () => {
    const headers = `<p:b xmlns:p="urn:x&amp;y" ${must}/><d xmlns="urn:y" ${must}/><p:e xmlns:p="urn:x&amp;y" ${must}/><d xmlns="urn:y" ${must}/>`;
    const written = answer('1.2', headers, textElement('a:Action', 'urn:z', { 'xmlns:a': 'urn:a' }));
    assert.match(
      written,
      /<s:Header xmlns:n1="urn:x&amp;y" xmlns:n2="urn:y"><s:NotUnderstood qname="n1:b"\/><s:NotUnderstood qname="n2:d"\/><s:NotUnderstood qname="n1:e"\/><a:Action/,
    );
    const envelope = parseEnvelope(written);
    assert.deepEqual(
      envelope.headers.map((each) => [each.uri, attribute(each, 'qname')]),
      [
        [ENVELOPE_NAMESPACE['1.2'], 'n1:b'],
        [ENVELOPE_NAMESPACE['1.2'], 'n2:d'],
        [ENVELOPE_NAMESPACE['1.2'], 'n1:e'],
        ['urn:a', undefined],
      ],
    );
    assert.equal(elements(envelope.payload, 'Code').length, 1);
    assert.deepEqual(parseEnvelope(answer('1.1', headers)).headers, []);
  });

  it('are named even without a namespace, or in that of XML, which no other prefix may have', () => {
    const written = answer('1.2', `<b ${must}/><xml:c ${must}/>`);
    assert.match(written, /<s:Header><s:NotUnderstood qname="b"\/><s:NotUnderstood qname="xml:c"\/><\/s:Header>/);
    parseEnvelope(written);
  });

  it('do not make a large answer of a small request', () => {
    const headers = Array.from({ length: 500 }, (_, each) => `<p:h${each} ${must}/>`).join('');
    const namespace = `urn:${'x'.repeat(10_000)}`;
    const request = `<s:Envelope xmlns:s="${ENVELOPE_NAMESPACE['1.2']}" xmlns:p="${namespace}"><s:Header>${headers}</s:Header><s:Body><a/></s:Body></s:Envelope>`;
    const unknown = headersNotUnderstood(parseEnvelope(request), () => false);
    assert.equal(unknown.length, 500);
    assert.ok(writeNotUnderstood('1.2', unknown, 'no').length < 2 * request.length);
  });
});
