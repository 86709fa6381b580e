import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { XmlElement } from '../../src/xml/element.ts';
import { serialise } from '../../src/xml/serialise.ts';
import { tcpFraming } from '../../src/xmpp/framing.ts';
import { NS } from '../../src/xmpp/namespaces.ts';
import { StreamError } from '../../src/xmpp/stream-error.ts';
import {
  createStreamReader,
  DEFAULT_STREAM_LIMITS,
  type StreamLimits,
  type StreamListener,
  type StreamReader,
} from '../../src/xmpp/stream-reader.ts';
import { linesOf } from './lines.ts';

const OPEN = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='${NS.stream}' to='a.example' version='1.0'>`;

interface Heard {
  readonly reader: StreamReader;
  readonly said: string[];
  readonly elements: XmlElement[];
}

function listen(limits: StreamLimits = DEFAULT_STREAM_LIMITS, more: Partial<StreamListener> = {}): Heard {
  const said: string[] = [];
  const elements: XmlElement[] = [];
  const reader = createStreamReader(
    {
      opened(header) {
        said.push(`open ${header.to}`);
        more.opened?.(header);
      },
      element(element) {
        elements.push(element);
        said.push(serialise(element));
        more.element?.(element);
      },
      closed: () => said.push('close'),
    },
    limits,
  );
  return { reader, said, elements };
}

function conditionOf(work: () => void): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof StreamError, String(error));
    return error.condition;
  }
  return 'none';
}

describe('reading a stream', () => {
  it('hears the opening, each child whole, and the close', () => {
    const { reader, said } = listen();
    reader.push(Buffer.from(`${OPEN}<message to='b'><body>ü</body></message> \n<x xmlns='urn:x'/></stream:stream>`));
    assert.deepEqual(said, [
      'open a.example',
      '<message xmlns="jabber:client" to="b"><body>ü</body></message>',
      '<x xmlns="urn:x"/>',
      'close',
    ]);
  });

  it('keeps namespaces that were declared by the stream, whatever their prefix', () => {
    const { reader, said } = listen();
    reader.push(Buffer.from(`${OPEN.replace(' to=', " xmlns:p='urn:p' to=")}<p:a p:b='1'><iq/></p:a>`));
    assert.equal(said[1], '<a xmlns="urn:p" xmlns:_n1="urn:p" _n1:b="1"><iq xmlns="jabber:client"/></a>');
  });

  it('translates stanzas of a server stream, and not what is carried within them', () => {
    const heard: string[] = [];
    const reader = createStreamReader(
      { opened: () => undefined, element: (element) => heard.push(serialise(element)), closed: () => undefined },
      DEFAULT_STREAM_LIMITS,
      NS.server,
    );
    reader.push(Buffer.from(OPEN.replace("'jabber:client'", "'jabber:server'")));
    const inside =
      '<forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client"><body>x</body></message></forwarded>';
    reader.push(Buffer.from(`<message><body>y</body>${inside}</message>`));
    assert.deepEqual(heard, [`<message xmlns="jabber:client"><body>y</body>${inside}</message>`]);
    const [stanza] = heard;
    const { reader: second, elements } = listen();
    second.push(Buffer.from(OPEN + stanza));
    assert.equal(
      tcpFraming(NS.server).element(elements[0] as XmlElement),
      `<message><body>y</body>${inside}</message>`,
    );
  });

  it('hears the same, however the bytes are cut', () => {
    const text =
      `${OPEN}<message to='b@a.example'><body>äß李\u{1f600}]]&gt; <![CDATA[<&]]>\r\n</body><q:x xmlns:q='urn:q' q:y='&#x1F600;'/></message>` +
      `\n  <iq id='1' type='get'><ping xmlns='urn:xmpp:ping'/></iq><presence/></stream:stream>`;
    const bytes = Buffer.from(text);
    const whole = listen();
    whole.reader.push(bytes);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 }), (sizes) => {
        const { reader, said } = listen();
        let from = 0;
        for (let turn = 0; from < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] as number;
          reader.push(bytes.subarray(from, from + size));
          from += size;
        }
        assert.deepEqual(said, whole.said);
      }),
    );
  });
});

describe('what a stream may not hold', () => {
  for (const [condition = '', text = ''] of linesOf('stream-invalid.txt')) {
    it(`${condition}: ${text.slice(0, 80)}`, () => {
      const given = Buffer.from(text.replaceAll('OPEN', OPEN));
      assert.equal(
        conditionOf(() => listen().reader.push(given)),
        condition,
      );
      assert.equal(
        conditionOf(() => {
          const { reader } = listen();
          for (const byte of given) reader.push(Uint8Array.of(byte));
        }),
        condition,
      );
    });
  }

  it('not-well-formed: bytes that are not UTF-8, whole or cut', () => {
    for (const bytes of [
      [0xff],
      [0xc3, 0x28],
      [0xed, 0xa0, 0x80],
      [0xc0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82, 0x20],
    ]) {
      const text = Buffer.concat([Buffer.from(`${OPEN}<a>`), Buffer.from(bytes), Buffer.from('</a>')]);
      assert.equal(
        conditionOf(() => listen().reader.push(text)),
        'not-well-formed',
      );
      const { reader } = listen();
      assert.equal(
        conditionOf(() => {
          for (const byte of text) reader.push(Uint8Array.of(byte));
        }),
        'not-well-formed',
      );
    }
  });

  it('never does anything else with random bytes than to read or refuse them', () => {
    const hostile = fc.oneof(
      fc.constantFrom(
        '<',
        '>',
        '/',
        '<a',
        '</a>',
        '<!--',
        '-->',
        '<![CDATA[',
        ']]>',
        '<?',
        '?>',
        '<!DOCTYPE',
        '&',
        '&lt;',
      ),
      fc.constantFrom(
        '&#0;',
        '&#xD800;',
        "xmlns:a='",
        "'",
        '"',
        '=',
        ' ',
        '\r',
        '\u0000',
        '<a:b>',
        '</stream:stream>',
        '<b/>',
      ),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 40 }), fc.uint8Array({ maxLength: 20 }), (texts, bytes) => {
        const { reader } = listen();
        try {
          reader.push(Buffer.from(OPEN + texts.join('')));
          reader.push(bytes);
        } catch (error) {
          assert.ok(error instanceof StreamError, String(error));
          assert.notEqual(error.condition, 'internal-server-error');
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('limits of a stream', () => {
  const limits = (stanzaBytes: number): StreamLimits => ({ ...DEFAULT_STREAM_LIMITS, stanzaBytes });

  it('are counted for each stanza', () => {
    const { reader, said } = listen(limits(OPEN.length));
    reader.push(Buffer.from(OPEN + '<message><body>x</body></message>'.repeat(1000)));
    assert.equal(said.length, 1001);
  });

  it('are bytes, and hold exactly', () => {
    const stanza = `<message><body>${'ü'.repeat(200)}</body></message>`;
    const size = Buffer.byteLength(stanza);
    const good = listen(limits(size));
    good.reader.push(Buffer.from(OPEN + stanza));
    assert.equal(good.said.length, 2);
    const bad = listen(limits(size - 1));
    assert.equal(
      conditionOf(() => bad.reader.push(Buffer.from(OPEN + stanza))),
      'policy-violation',
    );
    assert.equal(bad.said.length, 1, 'it is cut before it is heard');
  });

  for (const [name, begin] of [
    ['text', '<message><body>'],
    ['a tag', '<message '],
    ['an attribute', '<message to="'],
    ['CDATA', '<a><![CDATA['],
    ['a comment', '<!--'],
    ['an entity', '<a>&'],
  ] as const) {
    it(`cut ${name} without end, also when it comes in pieces`, () => {
      const { reader } = listen(limits(10_000));
      reader.push(Buffer.from(OPEN + begin));
      const found = conditionOf(() => {
        for (let piece = 0; piece < 1000; piece += 1) reader.push(Buffer.from('> > > > > > > > > > '.slice(piece % 2)));
      });
      assert.notEqual(found, 'none');
    });
  }

  it('do not count white space between stanzas', () => {
    const { reader, said } = listen(limits(1000));
    reader.push(Buffer.from(OPEN));
    for (let piece = 0; piece < 1000; piece += 1) reader.push(Buffer.from(' \n'.repeat(20)));
    reader.push(Buffer.from('<a/>'));
    assert.equal(said.length, 2);
  });

  it('hold for depth and number of elements', () => {
    assert.equal(
      conditionOf(() => listen().reader.push(Buffer.from(OPEN + '<a>'.repeat(64)))),
      'policy-violation',
    );
    assert.equal(
      conditionOf(() => listen().reader.push(Buffer.from(`${OPEN}<a>${'<b/>'.repeat(10_000)}`))),
      'policy-violation',
    );
  });

  it('hold for what waits while the stream is paused', () => {
    const { reader } = listen(limits(1000));
    reader.push(Buffer.from(OPEN));
    reader.pause();
    assert.equal(
      conditionOf(() => reader.push(Buffer.from('<a/>'.repeat(300)))),
      'policy-violation',
    );
  });

  it('can be changed for the next stanza', () => {
    const { reader, said } = listen(limits(500));
    reader.push(Buffer.from(OPEN));
    reader.setLimit(5000);
    reader.push(Buffer.from(`<a>${'x'.repeat(4000)}</a>`));
    assert.equal(said.length, 2);
  });
});

describe('stopping a stream', () => {
  it('after a child leaves the next one unread', () => {
    const heard = listen(DEFAULT_STREAM_LIMITS, { element: () => heard.reader.pause() });
    heard.reader.push(Buffer.from(`${OPEN}<a/><b/><c/>`));
    assert.equal(heard.said.length, 2);
    assert.equal(heard.reader.hasPending, true);
    heard.reader.resume();
    assert.equal(heard.said.length, 3);
    heard.reader.resume();
    assert.equal(heard.said.length, 4);
    assert.equal(heard.reader.hasPending, false);
  });

  it('and beginning it anew reads the next header', () => {
    const heard = listen(DEFAULT_STREAM_LIMITS, {
      element: (element) => {
        if (element.local === 'auth') heard.reader.restart();
      },
    });
    heard.reader.push(Buffer.from(`${OPEN}<auth/>${OPEN}<b/>`));
    assert.deepEqual(heard.said, [
      'open a.example',
      '<auth xmlns="jabber:client"/>',
      'open a.example',
      '<b xmlns="jabber:client"/>',
    ]);
  });

  it('by a listener that throws hands its error on untouched', () => {
    const own = new Error('own');
    const { reader } = listen(DEFAULT_STREAM_LIMITS, {
      element() {
        throw own;
      },
    });
    assert.throws(
      () => reader.push(Buffer.from(`${OPEN}<a/>`)),
      (error) => error === own,
    );
  });
});
