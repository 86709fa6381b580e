import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImpError } from '../../src/platform/errors.ts';
import { parseXml } from '../../src/xml/parse.ts';
import { serialise } from '../../src/xml/serialise.ts';
import { el } from '../../src/xmpp/elements.ts';
import { parseJid } from '../../src/xmpp/jid.ts';
import { addressed, body, iqResult, message, presence, readStanza } from '../../src/xmpp/stanza.ts';
import {
  errorReply,
  readStanzaError,
  STANZA_CONDITIONS,
  StanzaError,
  toStanzaError,
} from '../../src/xmpp/stanza-error.ts';
import {
  readStreamError,
  STREAM_CONDITIONS,
  type StreamCondition,
  StreamError,
  seeOtherHost,
  writeStreamError,
} from '../../src/xmpp/stream-error.ts';

const xml = (text: string) => parseXml(text.replace(/^<\w+/, '$& xmlns="jabber:client"'));
const written = (element: Parameters<typeof serialise>[0]) =>
  serialise(element, { defaultUri: 'jabber:client', prefixes: new Map() });

describe('reading stanzas', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['<message to="b@a.example"/>', 'message', 'normal'],
    ['<message type="chat"/>', 'message', 'chat'],
    ['<message type="strange"/>', 'message', 'normal'],
    ['<presence/>', 'presence', 'available'],
    ['<presence type="unavailable"/>', 'presence', 'unavailable'],
    ['<iq id="1" type="get"><a xmlns="urn:a"/></iq>', 'iq', 'get'],
    ['<iq id="1" type="result"/>', 'iq', 'result'],
    ['<iq id="1" type="error"><a xmlns="urn:a"/><error type="wait"/></iq>', 'iq', 'error'],
  ];
  for (const [text, kind, type] of rows) {
    it(text, () => {
      const stanza = readStanza(xml(text));
      assert.deepEqual([stanza.kind, stanza.type], [kind, type]);
    });
  }
  const refused: readonly (readonly [string, string])[] = [
    ['<message to="@"/>', 'jid-malformed'],
    ['<message from="a b@c"/>', 'jid-malformed'],
    ['<presence type="strange"/>', 'bad-request'],
    ['<presence type="available"/>', 'bad-request'],
    ['<iq type="get"><a xmlns="urn:a"/></iq>', 'bad-request'],
    ['<iq id="1"><a xmlns="urn:a"/></iq>', 'bad-request'],
    ['<iq id="1" type="strange"><a xmlns="urn:a"/></iq>', 'bad-request'],
    ['<iq id="1" type="get"/>', 'bad-request'],
    ['<iq id="1" type="set"><a/><b/></iq>', 'bad-request'],
    ['<iq id="1" type="result"><a/><b/></iq>', 'bad-request'],
    ['<other/>', 'bad-request'],
  ];
  for (const [text, condition] of refused) {
    it(`refuses ${text}: ${condition}`, () => {
      assert.throws(
        () => readStanza(xml(text)),
        (error) => toStanzaError(error).condition === condition,
      );
    });
  }
});

describe('building stanzas', () => {
  const alice = parseJid('alice@acme.example/desk');
  it('escapes what it is given', () => {
    const hello = message({ to: alice, id: '1', type: 'chat' }, body('<&>'));
    assert.equal(
      written(hello),
      '<message to="alice@acme.example/desk" id="1" type="chat"><body>&lt;&amp;&gt;</body></message>',
    );
  });
  it('leaves the usual types unsaid', () => {
    assert.equal(written(presence({ type: 'available' })), '<presence/>');
    assert.equal(written(message({ type: 'normal' })), '<message/>');
  });
  it('turns the addresses of an answer', () => {
    const request = readStanza(
      xml('<iq id="1" type="get" from="alice@acme.example/desk" to="acme.example"><a xmlns="urn:a"/></iq>'),
    );
    assert.ok(request.kind === 'iq');
    assert.equal(
      written(iqResult(request)),
      '<iq from="acme.example" to="alice@acme.example/desk" id="1" type="result"/>',
    );
  });
  it('stamps addresses, and keeps every other attribute, whatever its name', () => {
    const stanza = xml('<message from="evil@x" to="b@c" constructor="1" xml:lang="de"/>');
    assert.equal(
      written(addressed(stanza, { from: alice, to: null })),
      '<message constructor="1" xml:lang="de" from="alice@acme.example/desk"/>',
    );
  });
});

describe('stanza errors', () => {
  const kinds: readonly (readonly [ImpError['kind'], string])[] = [
    ['invalid', 'modify bad-request'],
    ['denied', 'auth forbidden'],
    ['not-found', 'cancel item-not-found'],
    ['conflict', 'cancel conflict'],
    ['unavailable', 'wait resource-constraint'],
    ['internal', 'cancel internal-server-error'],
  ];
  for (const [kind, expected] of kinds) {
    it(`say ${expected} for our kind ${kind}`, () => {
      const error = toStanzaError(new ImpError(kind, 'test.code', 'what happened'));
      assert.equal(`${error.type} ${error.condition}`, expected);
      assert.equal(error.message, kind === 'internal' ? '' : 'what happened');
      assert.equal(error.kind, kind);
    });
  }
  it('hide what an unknown failure says', () => {
    const error = toStanzaError(new TypeError('secret'));
    assert.deepEqual([error.condition, error.message], ['internal-server-error', '']);
  });
  it('answer without the payload, addresses turned', () => {
    const request = xml('<iq id="1" type="set" from="a@b/c" to="d"><q xmlns="urn:q"/></iq>');
    const reply = errorReply(request, new StanzaError('not-allowed', 'no', { by: 'd', detail: el('urn:x', 'why') }));
    assert.equal(
      written(reply as NonNullable<typeof reply>),
      '<iq type="error" id="1" from="d" to="a@b/c"><error type="cancel" by="d">' +
        '<not-allowed xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>' +
        '<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas" xml:lang="en">no</text><why xmlns="urn:x"/></error></iq>',
    );
  });
  it('never answer an error or a result', () => {
    const error = new StanzaError('bad-request', '');
    for (const text of ['<message type="error"/>', '<iq id="1" type="result"/>', '<iq id="1" type="error"/>']) {
      assert.equal(errorReply(xml(text), error), undefined);
    }
    assert.notEqual(errorReply(xml('<presence/>'), error), undefined);
  });
  for (const condition of Object.keys(STANZA_CONDITIONS) as (keyof typeof STANZA_CONDITIONS)[]) {
    it(`${condition} is read as it is written`, () => {
      const error = new StanzaError(condition, 'text', { by: 'a', address: 'xmpp:b', type: 'continue' });
      const reply = errorReply(xml('<message/>'), error);
      const read = readStanzaError(reply as NonNullable<typeof reply>);
      assert.deepEqual(
        [read.condition, read.message, read.by, read.address, read.type],
        [condition, 'text', 'a', 'xmpp:b', 'continue'],
      );
    });
  }
  it('of an unknown condition are undefined-condition, also when its name is that of a method', () => {
    const read = readStanzaError(
      xml('<message type="error"><error><constructor xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>'),
    );
    assert.equal(read.condition, 'undefined-condition');
    assert.equal(readStanzaError(xml('<message type="error"/>')).condition, 'undefined-condition');
  });
});

describe('stream errors', () => {
  for (const condition of Object.keys(STREAM_CONDITIONS) as StreamCondition[]) {
    it(`${condition} is read as it is written`, () => {
      const read = readStreamError(writeStreamError(new StreamError(condition, 'text')));
      assert.deepEqual([read.condition, read.message, read.kind], [condition, 'text', STREAM_CONDITIONS[condition]]);
    });
  }
  it('send a client to another host', () => {
    const hostOf = (error: StreamError) => readStreamError(writeStreamError(error)).otherHost;
    assert.equal(hostOf(seeOtherHost('imp2.acme.example', 5222)), 'imp2.acme.example:5222');
    assert.equal(hostOf(seeOtherHost('imp2.acme.example')), 'imp2.acme.example');
    assert.equal(hostOf(seeOtherHost('2001:db8::1', 5222)), '[2001:db8::1]:5222');
  });
});
