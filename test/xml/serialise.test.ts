import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseXml } from '../../src/xml/parse.ts';
import { serialise } from '../../src/xml/serialise.ts';

const client = {
  defaultUri: 'jabber:client',
  prefixes: new Map([['http://etherx.jabber.org/streams', 'stream']]),
};

const rows: readonly (readonly [string, string, string])[] = [
  ['the default namespace is not said twice', '<a xmlns="jabber:client"><b/></a>', '<a><b/></a>'],
  ['another namespace is', '<a xmlns="jabber:client"><b xmlns="urn:b"/></a>', '<a><b xmlns="urn:b"/></a>'],
  ['no namespace at all', '<m:a xmlns:m="jabber:client"><b/></m:a>', '<a><b xmlns=""/></a>'],
  ['prefixes become defaults', '<p:a xmlns:p="urn:p"><p:b/></p:a>', '<a xmlns="urn:p"><b/></a>'],
  [
    'a prefix of the stream is used',
    '<s:error xmlns:s="http://etherx.jabber.org/streams"><x xmlns="urn:x"/></s:error>',
    '<stream:error><x xmlns="urn:x"/></stream:error>',
  ],
  ['xml:lang', '<a xmlns="jabber:client" xml:lang="de"/>', '<a xml:lang="de"/>'],
  [
    'attributes of two namespaces',
    '<a xmlns="jabber:client" xmlns:p="urn:p" xmlns:q="urn:q" p:x="1" q:x="2" x="3"/>',
    '<a xmlns:_n1="urn:p" _n1:x="1" xmlns:_n2="urn:q" _n2:x="2" x="3"/>',
  ],
  ['an element of the xml namespace', '<a xmlns="jabber:client"><xml:b/></a>', '<a><xml:b/></a>'],
  [
    'back to the outer namespace',
    '<a xmlns="jabber:client"><b xmlns="urn:b"><c xmlns="jabber:client"/></b></a>',
    '<a><b xmlns="urn:b"><c xmlns="jabber:client"/></b></a>',
  ],
  [
    'text and values are escaped',
    '<a xmlns="jabber:client" b="&lt;&#10;">&lt;&amp;&#13;</a>',
    '<a b="&lt;&#10;">&lt;&amp;&#13;</a>',
  ],
];

describe('writing a parsed element', () => {
  for (const [name, given, expected] of rows) {
    it(name, () => assert.equal(serialise(parseXml(given), client), expected));
  }
  it('declares everything when nothing is declared around it', () => {
    assert.equal(serialise(parseXml('<a xmlns="jabber:client" b=""/>')), '<a xmlns="jabber:client" b=""/>');
  });
});
