import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_XML_LIMITS } from '../../src/xml/limits.ts';
import { createXmlStream, parseXml, type XmlHandler } from '../../src/xml/parse.ts';

const silent: XmlHandler = { open: () => undefined, text: () => undefined, close: () => undefined };

describe('the parser', () => {
  it('holds a document that calls itself XML 1.1 to the characters of 1.0', () => {
    assert.throws(() => parseXml('<?xml version="1.1"?><a>&#1;</a>'), { code: 'xml.malformed' });
  });

  it('refuses an element with the prefix xmlns', () => {
    assert.throws(() => parseXml('<xmlns:a/>'), { code: 'xml.malformed' });
  });

  it('drops comments, and refuses them where it is told to', () => {
    assert.deepEqual(parseXml('<a>x<!-- c -->y</a>').children, ['xy']);
    const stream = createXmlStream(silent, DEFAULT_XML_LIMITS, { refuseComments: true });
    assert.throws(() => stream.write('<a><!-- c -->'), { code: 'xml.comment' });
  });

  it('hands on what a handler throws, whatever it is', () => {
    const own = new Error('own');
    const stream = createXmlStream({
      ...silent,
      open() {
        throw own;
      },
    });
    assert.throws(
      () => stream.write('<a>'),
      (error) => error === own,
    );
  });

  it('counts elements anew when asked', () => {
    const stream = createXmlStream(
      { ...silent, close: () => stream.countAnew() },
      { ...DEFAULT_XML_LIMITS, elements: 3 },
    );
    stream.write(`<a>${'<b/>'.repeat(10)}`);
    assert.throws(() => stream.write('<c><c><c><c>'), { code: 'xml.too-many-elements' });
  });

  it('tells the encoding that is declared', () => {
    const found: (string | undefined)[] = [];
    createXmlStream({ ...silent, declaration: (encoding) => void found.push(encoding) }).write(
      "<?xml version='1.0' encoding='latin1'?><a>",
    );
    assert.deepEqual(found, ['latin1']);
  });
});
