import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { serialise } from '../../src/xml/serialise.ts';
import { el } from '../../src/xmpp/elements.ts';
import { createFrameReader } from '../../src/xmpp/frame-reader.ts';
import { tcpFraming, webSocketFraming } from '../../src/xmpp/framing.ts';
import { NS } from '../../src/xmpp/namespaces.ts';
import { body, message } from '../../src/xmpp/stanza.ts';
import { StreamError } from '../../src/xmpp/stream-error.ts';
import { DEFAULT_STREAM_LIMITS } from '../../src/xmpp/stream-reader.ts';

const header = { from: "o'a.example", to: null, id: '<1>', version: '1.0', lang: 'en' };
const features = el(NS.stream, 'features', {}, el(NS.bind, 'bind'));
const hello = message({ type: 'chat' }, body('hello'));

describe('framing of TCP', () => {
  const framing = tcpFraming();
  it('opens and closes one document', () => {
    assert.equal(
      framing.open(header),
      `<?xml version='1.0'?><stream:stream xmlns="jabber:client" xmlns:stream="${NS.stream}" from="o&apos;a.example" id="&lt;1&gt;" version="1.0" xml:lang="en">`,
    );
    assert.equal(framing.close(), '</stream:stream>');
  });
  it('says nothing twice', () => {
    assert.equal(framing.element(features), `<stream:features><bind xmlns="${NS.bind}"/></stream:features>`);
    assert.equal(framing.element(hello), '<message type="chat"><body>hello</body></message>');
  });
});

describe('framing of WebSocket (RFC 7395)', () => {
  const framing = webSocketFraming();
  it('opens and closes with elements of their own', () => {
    assert.equal(
      framing.open({ ...header, from: 'a.example', id: '1' }),
      `<open xmlns="${NS.framing}" from="a.example" id="1" version="1.0" xml:lang="en"/>`,
    );
    assert.equal(framing.close(), `<close xmlns="${NS.framing}"/>`);
  });
  it('declares everything in each frame, and writes the prefix of the stream', () => {
    assert.equal(
      framing.element(features),
      `<stream:features xmlns:stream="${NS.stream}"><bind xmlns="${NS.bind}"/></stream:features>`,
    );
    assert.equal(framing.element(el(NS.stream, 'features')), `<stream:features xmlns:stream="${NS.stream}"/>`);
    assert.equal(framing.element(hello), '<message xmlns="jabber:client" type="chat"><body>hello</body></message>');
  });

  const read = (...frames: readonly string[]): readonly string[] => {
    const said: string[] = [];
    const reader = createFrameReader(
      {
        opened: ({ to }) => said.push(`open ${to}`),
        element: (element) => said.push(serialise(element)),
        closed: () => said.push('close'),
      },
      { ...DEFAULT_STREAM_LIMITS, stanzaBytes: 1000 },
    );
    for (const frame of frames) reader.push(frame);
    return said;
  };

  it('is read as a stream is', () => {
    assert.deepEqual(
      read(framing.open({ ...header, from: null, to: 'a.example' }), framing.element(hello), framing.close()),
      ['open a.example', '<message xmlns="jabber:client" type="chat"><body>hello</body></message>', 'close'],
    );
  });

  const refused: readonly (readonly [string, string])[] = [
    ['', 'bad-format'],
    [' ', 'bad-format'],
    [' <a/>', 'bad-format'],
    ['<a/><b/>', 'not-well-formed'],
    ['<a>', 'not-well-formed'],
    ['<!-- c --><a/>', 'restricted-xml'],
    ['<!DOCTYPE a><a/>', 'restricted-xml'],
    [`<stream:stream xmlns:stream="${NS.stream}"/>`, 'invalid-namespace'],
    [`<a>${'ü'.repeat(500)}</a>`, 'policy-violation'],
  ];
  for (const [frame, condition] of refused) {
    it(`refuses ${JSON.stringify(frame.slice(0, 40))}: ${condition}`, () => {
      assert.throws(
        () => read(frame),
        (error) => error instanceof StreamError && error.condition === condition,
      );
    });
  }
});
