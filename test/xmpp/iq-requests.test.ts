import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attribute, type XmlElement } from '../../src/xml/element.ts';
import { createIqRequests, el, type Jid, NS, parseJid, StanzaError } from '../../src/xmpp/xmpp.ts';
import { FakeClock } from '../support/fake-clock.ts';

const alice = parseJid('alice@acme.example/desk');
const bob = parseJid('bob@acme.example/phone');
const ping = el(NS.ping, 'ping');

function make(): { clock: FakeClock; sent: XmlElement[]; requests: ReturnType<typeof createIqRequests> } {
  const clock = new FakeClock();
  const sent: XmlElement[] = [];
  const requests = createIqRequests((stanza) => sent.push(stanza), { clock, timeoutMs: 1000, from: alice });
  return { clock, sent, requests };
}

function answer(
  request: XmlElement | undefined,
  type: string,
  from: string | undefined,
  ...children: XmlElement[]
): XmlElement {
  return el(NS.client, 'iq', { type, id: request === undefined ? 'x' : attribute(request, 'id'), from }, ...children);
}

describe('requests', () => {
  it('are answered once, by whom they asked', async () => {
    const { sent, requests, clock } = make();
    const asked = requests.request('get', bob, ping);
    assert.equal(requests.settle(answer(sent[0], 'result', 'mallory@acme.example/x')), false);
    assert.equal(requests.settle(answer(sent[0], 'result', bob.full, el('urn:x', 'y'))), true);
    assert.equal((await asked)?.local, 'y');
    assert.equal(requests.settle(answer(sent[0], 'result', bob.full)), false);
    assert.equal(clock.pending, 0);
  });

  const rows: readonly (readonly [string, Jid | null, string | undefined, boolean])[] = [
    ['without address, by nobody in particular', null, undefined, true],
    ['without address, by the account', null, 'alice@acme.example', true],
    ['without address, by the server', null, 'acme.example', true],
    ['without address, by another', null, 'bob@acme.example', false],
    ['to the account, by nobody in particular', parseJid('alice@acme.example'), undefined, true],
    ['to another, by nobody in particular', bob, undefined, false],
    ['to another, by its bare address', bob, 'bob@acme.example', false],
  ];
  for (const [name, to, from, expected] of rows) {
    it(`${name}: ${expected}`, async () => {
      const { sent, requests } = make();
      const asked = requests.request('get', to, ping);
      assert.equal(requests.settle(answer(sent[0], 'result', from)), expected);
      if (!expected) requests.failAll(new StanzaError('recipient-unavailable', ''));
      await asked.catch((error: unknown) => assert.equal(expected, false, String(error)));
    });
  }

  it('fail with the error that answers them', async () => {
    const { sent, requests } = make();
    const asked = requests.request('set', bob, ping);
    const error = el(NS.client, 'error', { type: 'cancel' }, el(NS.stanzaErrors, 'item-not-found'));
    requests.settle(answer(sent[0], 'error', bob.full, error));
    await assert.rejects(asked, { code: 'xmpp.stanza.item-not-found' });
  });

  it('fail when nobody answers in time, or the way is gone', async () => {
    const { clock, requests } = make();
    const late = assert.rejects(requests.request('get', bob, ping), { code: 'xmpp.stanza.remote-server-timeout' });
    await clock.advance(1000);
    await late;
    const gone = assert.rejects(requests.request('get', bob, ping), { code: 'xmpp.stanza.recipient-unavailable' });
    requests.failAll(new StanzaError('recipient-unavailable', ''));
    await gone;
    assert.equal(clock.pending, 0);
  });

  it('leave other stanzas alone', () => {
    const { requests } = make();
    assert.equal(requests.settle(el(NS.client, 'message', { type: 'error', id: 'x' })), false);
    assert.equal(requests.settle(answer(undefined, 'get', bob.full, ping)), false);
    assert.equal(requests.settle(answer(undefined, 'result', bob.full)), false);
  });
});
