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

  it('tells the position of each event over pieces, also when a piece ends within a pair or a line end', () => {
    const found: number[] = [];
    const text = '<a><b>\u{1f600}\r\n</b><c/></a>';
    const stream = createXmlStream({ ...silent, close: () => found.push(stream.position) });
    for (const unit of text.split('')) stream.write(unit);
    assert.deepEqual(found, [text.indexOf('<c/>'), text.indexOf('</a>'), text.length]);
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
