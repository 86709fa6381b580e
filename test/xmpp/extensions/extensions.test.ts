import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { XmlElement } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { serialise } from '../../../src/xml/serialise.ts';
import {
  booleanValue,
  capsVersion,
  carbonCopy,
  delay,
  delayedSince,
  type Form,
  formTypeField,
  isCarbonEligible,
  NS,
  originId,
  type PageRequest,
  pageOf,
  parseJid,
  readDateTime,
  readDiscoInfo,
  readForm,
  readPageRequest,
  readStanza,
  stanzaIdBy,
  submittedValues,
  withStanzaId,
  writeDiscoInfo,
  writeDiscoItems,
  writeForm,
  writePage,
  writePageRequest,
} from '../../../src/xmpp/xmpp.ts';

const alice = parseJid('alice@acme.example');
const desk = parseJid('alice@acme.example/desk');
const xml = (text: string): XmlElement => parseXml(text.replace(/^<\w+/, `$& xmlns="jabber:client"`));
const written = (element: XmlElement): string => serialise(element, { defaultUri: NS.client, prefixes: new Map() });

describe('XEP-0203 delayed delivery', () => {
  it('is written and read', () => {
    const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
    const stamp = delay(at, alice, 'Offline Storage');
    assert.equal(
      written(stamp),
      '<delay xmlns="urn:xmpp:delay" from="alice@acme.example" stamp="2026-01-02T03:04:05.006Z">Offline Storage</delay>',
    );
    assert.equal(delayedSince({ ...xml('<message/>'), children: [stamp] }), at);
  });
  for (const text of [
    '',
    '2026-01-02',
    '2026-01-02T03:04:05',
    '2026-13-02T03:04:05Z',
    '20260102T03:04:05',
    'yesterday',
  ]) {
    it(`does not read ${JSON.stringify(text)}`, () => assert.equal(readDateTime(text), undefined));
  }
  it('reads other zones', () => assert.equal(readDateTime('2026-01-02T03:04:05+01:00'), Date.UTC(2026, 0, 2, 2, 4, 5)));
});

describe('XEP-0280 carbons', () => {
  const rows: readonly (readonly [string, boolean])[] = [
    ['<message type="chat"><body>x</body></message>', true],
    ['<message type="chat"/>', true],
    ['<message><body>x</body></message>', true],
    ['<message/>', false],
    [`<message><received xmlns="${NS.receipts}" id="1"/></message>`, true],
    [`<message><composing xmlns="${NS.chatStates}"/></message>`, true],
    [`<message><displayed xmlns="${NS.chatMarkers}" id="1"/></message>`, true],
    ['<message><event xmlns="http://jabber.org/protocol/pubsub#event"/></message>', false],
    ['<message type="groupchat"><body>x</body></message>', false],
    ['<message type="headline"><body>x</body></message>', false],
    [`<message type="chat"><body>x</body><private xmlns="${NS.carbons}"/></message>`, false],
    [`<message type="chat"><body>x</body><no-copy xmlns="${NS.hints}"/></message>`, false],
    [`<message type="chat"><sent xmlns="${NS.carbons}"/></message>`, false],
    ['<message type="error"><body>x</body><error/></message>', true],
    ['<message type="error"><error/></message>', false],
  ];
  for (const [text, expected] of rows) {
    it(`${text}: ${expected}`, () => {
      const stanza = readStanza(xml(text));
      assert.equal(isCarbonEligible(stanza.element, stanza.type), expected);
    });
  }
  it('carry the message as it was', () => {
    assert.equal(
      written(
        carbonCopy('sent', xml('<message type="chat" to="bob@acme.example"><body>x</body></message>'), desk, alice),
      ),
      '<message type="chat" from="alice@acme.example" to="alice@acme.example/desk"><sent xmlns="urn:xmpp:carbons:2">' +
        '<forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client" type="chat" to="bob@acme.example"><body>x</body></message></forwarded></sent></message>',
    );
  });
});

describe('XEP-0359 ids', () => {
  it('replace those that somebody wrote in our name, in whatever spelling, and keep others', () => {
    const id = (by: string) => `<stanza-id xmlns="${NS.stanzaIds}" id="x" by="${by}"/>`;
    const stanza = xml(
      `<message>${id('Alice@ACME.example')}${id('room@conference.acme.example')}<origin-id xmlns="${NS.stanzaIds}" id="o"/></message>`,
    );
    const stamped = withStanzaId(stanza, 'ours', alice);
    assert.equal(stanzaIdBy(stamped, alice), 'ours');
    assert.equal(stanzaIdBy(stamped, parseJid('room@conference.acme.example')), 'x');
    assert.equal(stamped.children.length, 3);
    assert.equal(originId(stamped), 'o');
  });
});

describe('XEP-0004 forms', () => {
  const form: Form = {
    type: 'form',
    title: 'Room',
    fields: [
      formTypeField('http://jabber.org/protocol/muc#roomconfig'),
      { name: 'public', type: 'boolean', label: 'Public?', values: ['1'], isRequired: true },
      { name: 'who', type: 'list-single', values: ['a'], options: [{ label: 'A', value: 'a' }] },
      { name: null, type: 'fixed', values: ['text'] },
    ],
  };
  it('are read as they are written', () => assert.deepEqual(readForm(writeForm(form)), form));
  it('give their values by name', () => {
    assert.deepEqual(submittedValues(form).get('public'), ['1']);
    assert.equal(booleanValue('1'), true);
    assert.equal(booleanValue('false'), false);
    assert.equal(booleanValue('yes'), undefined);
  });
  for (const text of [
    '<x type="form"/>',
    '<x xmlns="jabber:x:data"/>',
    '<x xmlns="jabber:x:data" type="odd"/>',
    '<x xmlns="jabber:x:data" type="submit"><field/></x>',
  ]) {
    it(`refuse ${text}`, () => assert.throws(() => readForm(parseXml(text)), { code: 'xmpp.form' }));
  }
});

describe('XEP-0030 discovery', () => {
  it('always names itself, once', () => {
    const query = writeDiscoInfo({
      identities: [{ category: 'server', type: 'im', name: 'imp' }],
      features: [NS.discoInfo, NS.ping],
    });
    assert.equal(
      written(query),
      `<query xmlns="${NS.discoInfo}"><identity category="server" type="im" name="imp"/><feature var="${NS.discoInfo}"/><feature var="${NS.ping}"/></query>`,
    );
    assert.deepEqual(readDiscoInfo(query).features, [NS.discoInfo, NS.ping]);
  });
  it('lists items', () => {
    assert.equal(
      written(writeDiscoItems([{ jid: parseJid('conference.acme.example'), name: 'Rooms' }])),
      `<query xmlns="${NS.discoItems}"><item jid="conference.acme.example" name="Rooms"/></query>`,
    );
  });
  it('has the verification strings of XEP-0115 5.2 and 5.3', () => {
    const features = ['http://jabber.org/protocol/caps', NS.discoInfo, NS.discoItems, 'http://jabber.org/protocol/muc'];
    assert.equal(
      capsVersion({ identities: [{ category: 'client', type: 'pc', name: 'Exodus 0.9.1' }], features }),
      'QgayPKawpkPSDYmwT/WM94uAlu0=',
    );
    const name = (lang: string, text: string) => ({ category: 'client', type: 'pc', lang, name: text });
    assert.equal(
      capsVersion({
        identities: [name('en', 'Psi 0.11'), name('el', 'Ψ 0.11')],
        features,
        forms: [
          {
            type: 'result',
            fields: [
              formTypeField('urn:xmpp:dataforms:softwareinfo'),
              { name: 'ip_version', values: ['ipv4', 'ipv6'] },
              { name: 'os', values: ['Mac'] },
              { name: 'os_version', values: ['10.5.1'] },
              { name: 'software', values: ['Psi'] },
              { name: 'software_version', values: ['0.11'] },
            ],
          },
        ],
      }),
      'q07IKJEyjvHSyhy//CH0CxmKi8w=',
    );
  });
});

describe('XEP-0059 pages', () => {
  const list = ['a', 'b', 'c', 'd', 'e'];
  const page = (request: Partial<PageRequest>) =>
    pageOf(list, (item) => item, { max: null, after: null, before: null, index: null, ...request }, 3);
  const rows: readonly (readonly [Partial<PageRequest>, string, boolean])[] = [
    [{}, 'abc', false],
    [{ max: 2 }, 'ab', false],
    [{ max: 100 }, 'abc', false],
    [{ max: 0 }, '', false],
    [{ after: 'c' }, 'de', true],
    [{ after: 'e' }, '', true],
    [{ after: '' }, 'abc', false],
    [{ before: '' }, 'cde', true],
    [{ before: 'c' }, 'ab', false],
    [{ before: 'e', max: 2 }, 'cd', false],
    [{ index: 3 }, 'de', true],
    [{ index: 5 }, '', true],
  ];
  for (const [request, expected, isLast] of rows) {
    it(JSON.stringify(request), () => {
      const found = page(request);
      assert.deepEqual([found.items.join(''), found.isLast, found.total], [expected, isLast, 5]);
    });
  }
  for (const request of [{ after: 'x' }, { before: 'x' }, { index: 6 }]) {
    it(`${JSON.stringify(request)}: item-not-found`, () =>
      assert.throws(() => page(request), { code: 'xmpp.stanza.item-not-found' }));
  }
  it('are asked for and answered on the wire', () => {
    const asked = { max: 2, after: 'b', before: null, index: null };
    const query = { ...xml('<query/>'), children: [writePageRequest(asked)] };
    assert.deepEqual(readPageRequest(query), asked);
    assert.equal(readPageRequest(xml('<query/>')), undefined);
    assert.equal(
      written(writePage(page({ after: 'c' }), (item) => item)),
      `<set xmlns="${NS.rsm}"><first index="3">d</first><last>e</last><count>5</count></set>`,
    );
    const bad = xml(`<query><set xmlns="${NS.rsm}"><max>many</max></set></query>`);
    assert.throws(() => readPageRequest(bad), { code: 'xmpp.stanza.bad-request' });
  });
});
