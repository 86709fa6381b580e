import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NOBODY } from '../../src/pidf/pidf.ts';
import { writePidf } from '../../src/pidf/write-pidf.ts';
import { basicStateOf } from '../../src/presence/basic-state.ts';
import { composePresence } from '../../src/presence/compose.ts';
import type { Publication } from '../../src/presence/publication.ts';
import {
  composedXmppPresence,
  type XmppResourcePresence,
  xmppPublication,
  xmppSource,
} from '../../src/presence/xmpp-presence.ts';

const BOB = 'bob@acme.example';
let age = 0;
const resource = (name: string, parts: Partial<XmppResourcePresence> = {}): Publication => {
  age += 1;
  const said = {
    presentity: BOB,
    resource: name,
    show: '',
    status: '',
    priority: 0,
    isIdle: false,
    features: [],
  } as const;
  return xmppPublication({ ...said, ...parts }, age);
};
const other = (kind: Publication['kind'], ...activities: string[]): Publication => ({
  ...resource('x'),
  source: `${kind}/x`,
  kind,
  document: { entity: `sip:${BOB}`, person: { ...NOBODY, activities }, tuples: [] },
});

describe('presence of XMPP resources', () => {
  for (const [show, state] of [
    ['', 'AVAILABLE'],
    ['chat', 'AVAILABLE'],
    ['away', 'AWAY'],
    ['xa', 'AWAY'],
    ['dnd', 'DND'],
  ] as const) {
    it(`counts show ${show || '(none)'} as ${state}`, () => {
      assert.equal(basicStateOf(composePresence(BOB, [resource('phone', { show })])), state);
    });
  }

  it('takes the text of the resource of higher priority, then of the newest', () => {
    const high = resource('desk', { show: 'away', status: 'high', priority: 10 });
    const low = resource('mobile', { show: 'away', status: 'low', priority: 5 });
    const newer = resource('tablet', { show: 'away', status: 'newer', priority: 10 });
    assert.equal(composePresence(BOB, [low, high]).person?.note, 'high');
    assert.equal(composePresence(BOB, [newer, low, high]).person?.note, 'newer');
  });

  it('tells each resource as a tuple with what it can do', () => {
    const features = ['urn:xmpp:jingle:apps:rtp:audio', 'urn:xmpp:jingle:apps:rtp:video', 'jabber:iq:version'];
    const document = composePresence(BOB, [
      resource('desk 1', { features, priority: 127, isIdle: true, show: 'away' }),
      resource('bot', { priority: -1 }),
    ]);
    const [bot, desk] = document.tuples;
    assert.deepEqual(
      desk?.abilities.map(({ name, value }) => `${name}=${value}`),
      ['audio=true', 'text=true', 'video=true'],
    );
    assert.deepEqual(desk?.contact, { uri: `im:${BOB}`, priority: '1.000' });
    assert.equal(desk?.userInput, 'idle');
    assert.deepEqual(bot?.abilities, []);
    assert.deepEqual(bot?.contact, { uri: `im:${BOB}`, priority: '' });
    assert.match(String(writePidf(document)), /<tuple id="desk_1">/);
  });

  it('names the source by the resource', () => {
    assert.equal(resource('desk/1').source, xmppSource('desk/1'));
  });
});

describe('what XMPP contacts are told', () => {
  const rows: readonly (readonly [string, readonly Publication[], boolean, string, string])[] = [
    ['nobody', [], false, '', ''],
    ['a client', [resource('a', { status: 'Hi' })], true, '', 'Hi'],
    ['a client away', [resource('a', { show: 'xa' })], true, 'away', ''],
    ['a client and its phone', [resource('a'), other('phone', 'on-the-phone')], true, 'dnd', 'On the phone'],
    ['a phone alone', [other('phone', 'on-the-phone')], true, 'dnd', 'On the phone'],
    ['a meeting', [resource('a', { show: 'away' }), other('calendar', 'busy', 'meeting')], true, 'dnd', 'In a meeting'],
    ['own words in a meeting', [resource('a', { status: 'Room 1' }), other('calendar', 'busy')], true, 'dnd', 'Room 1'],
    ['out of office', [resource('a', { show: 'away' }), other('calendar', 'vacation')], true, 'xa', 'Out of office'],
    ['do not disturb at the phone', [resource('a'), other('phone', 'dnd')], true, 'dnd', ''],
  ];
  for (const [name, publications, isAvailable, show, status] of rows) {
    it(name, () => assert.deepEqual(composedXmppPresence(BOB, publications), { isAvailable, show, status }));
  }
});
