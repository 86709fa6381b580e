import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImpError } from '../../../src/platform/errors.ts';
import type { SeenMessage, SessionEvent } from '../../../src/services/xcp-router/xcp-router.ts';
import { attribute, element } from '../../../src/xml/element.ts';
import { body, el, message, parseJid, presence, type Stanza, StanzaError } from '../../../src/xmpp/xmpp.ts';
import { openRouterWorld } from './router-world.ts';

const ROOMS = 'conference.acme.example';
const chat = (to: string, id: string): string =>
  `<message xmlns='jabber:client' to='${to}' type='chat' id='${id}'><body>hi</body></message>`;

describe('components of the XCP Router', () => {
  it('get what is for their domains, and send from them', async () => {
    await using world = await openRouterWorld();
    const heard: Stanza[] = [];
    const attachment = world.router.attach({
      name: 'rooms',
      domains: [ROOMS],
      itemName: 'Chat rooms',
      deliver: (stanza) => void heard.push(stanza),
    });
    const alice = world.client('alice@acme.example/desk');
    await alice.connect();
    alice.send(`<presence xmlns='jabber:client' to='room@${ROOMS}/al'/>`);
    alice.send(chat(`room@${ROOMS}`, '1'));
    await world.settle();
    assert.deepEqual(
      heard.map(({ kind, from, to }) => [kind, from?.full, to?.full]),
      [
        ['presence', 'alice@acme.example/desk', `room@${ROOMS}/al`],
        ['message', 'alice@acme.example/desk', `room@${ROOMS}`],
      ],
    );
    const room = parseJid(`room@${ROOMS}/al`);
    await attachment.send(message({ from: room, to: alice.jid, type: 'groupchat' }, body('hello')));
    assert.equal(alice.received.length, 1);
    await assert.rejects(
      attachment.send(message({ from: parseJid('bob@acme.example'), to: alice.jid }, body('x'))),
      (error: unknown) => error instanceof ImpError && error.code === 'xcp-router.not-yours',
    );
    // What it causes comes back to it.
    await attachment.send(message({ from: room, to: parseJid('nobody@acme.example'), id: 'e' }, body('x')));
    assert.equal(heard.at(-1)?.type, 'error');

    alice.send(
      `<iq xmlns='jabber:client' to='acme.example' type='get' id='i'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`,
    );
    await world.settle();
    const items = element(alice.received.at(-1) ?? assert.fail(), 'query');
    assert.equal(attribute(items?.children[0] as Parameters<typeof attribute>[0], 'jid'), ROOMS);

    // A presence that was sent to a room ends with the session.
    alice.close(false);
    await world.settle();
    assert.equal(heard.at(-1)?.type, 'unavailable');
    attachment[Symbol.dispose]();
    const again = world.client('alice@acme.example/desk');
    await again.connect();
    again.send(chat(`room@${ROOMS}`, '2'));
    await world.settle();
    const refused = element(
      element(again.received[0] ?? assert.fail(), 'error') ?? assert.fail(),
      'remote-server-not-found',
    );
    assert.ok(refused);
  });

  it('hold a sender back, and refuse by throwing', async () => {
    await using world = await openRouterWorld();
    let letGo: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    using _attachment = world.router.attach({
      name: 'slow',
      domains: [ROOMS],
      async deliver() {
        await gate;
        throw new StanzaError('forbidden', 'not here');
      },
    });
    const [alice, bob] = [world.client('alice@acme.example/desk'), world.client('bob@acme.example/phone')];
    await alice.connect();
    await bob.connect();
    alice.send(chat(`room@${ROOMS}`, '1'));
    for (let count = 0; count < 40; count += 1) alice.send(chat(bob.jid.full, `b${count}`));
    await world.settle();
    assert.equal(bob.received.length, 0);
    assert.equal(alice.holds, 1, 'no more is read of the sender');
    bob.send(chat(alice.jid.full, 'other'));
    await world.settle();
    assert.equal(alice.received.length, 1, 'nobody else is slowed');
    letGo();
    await world.settle();
    assert.equal(bob.received.length, 40);
    assert.equal(alice.holds, 0);
    assert.ok(
      alice.received.some((stanza) => attribute(stanza, 'type') === 'error' && attribute(stanza, 'id') === '1'),
    );
  });

  it('outlive a restart of the router', async () => {
    await using world = await openRouterWorld();
    const heard: Stanza[] = [];
    using attachment = world.router.attach({
      name: 'rooms',
      domains: [ROOMS],
      deliver: (each) => void heard.push(each),
    });
    await world.stop();
    await assert.rejects(
      attachment.send(presence({ from: parseJid(ROOMS), to: parseJid('alice@acme.example') })),
      (error: unknown) => error instanceof ImpError && error.kind === 'unavailable',
    );
    await world.start();
    const alice = world.client('alice@acme.example/desk');
    await alice.connect();
    alice.send(chat(`room@${ROOMS}`, '1'));
    await world.settle();
    assert.equal(heard.length, 1);
  });

  it('have their domains for themselves', async () => {
    await using world = await openRouterWorld();
    using _first = world.router.attach({ name: 'a', domains: [ROOMS], deliver: () => undefined });
    assert.throws(() => world.router.attach({ name: 'b', domains: [ROOMS], deliver: () => undefined }), {
      code: 'xcp-router.domain-taken',
    });
  });
});

describe('extensions of the XCP Router', () => {
  it('see every message once before it is acknowledged, and may refuse it', async () => {
    await using world = await openRouterWorld();
    const seen: SeenMessage[] = [];
    let letGo: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    using _extension = world.router.extend({
      name: 'archiver',
      async onMessage(each) {
        seen.push(each);
        if (seen.length === 1) await gate;
        if (each.message.id === 'bad') throw new StanzaError('policy-violation', 'not allowed');
      },
    });
    const [alice, bob] = [world.client('alice@acme.example/desk'), world.client('bob@acme.example/phone')];
    await alice.connect();
    await bob.connect();
    alice.send("<enable xmlns='urn:xmpp:sm:3'/>");
    alice.send(chat('bob@acme.example/phone', '1'));
    alice.send("<r xmlns='urn:xmpp:sm:3'/>");
    await world.settle();
    assert.equal(bob.received.length, 0);
    assert.ok(!alice.received.some(({ local }) => local === 'a'), 'nothing is acknowledged before it was seen');
    letGo();
    await world.settle();
    assert.equal(bob.received.length, 1);
    assert.equal(attribute(alice.received.at(-1) ?? assert.fail(), 'h'), '1');
    alice.send(chat('bob@acme.example/phone', 'bad'));
    await world.settle();
    assert.equal(bob.received.length, 1);
    assert.equal(attribute(alice.received.at(-1) ?? assert.fail(), 'type'), 'error');
    assert.deepEqual(
      seen.map(({ message: { id }, origin }) => [id, origin]),
      [
        ['1', 'client'],
        ['bad', 'client'],
      ],
    );
  });

  it('answer requests in the name of the server or of accounts', async () => {
    await using world = await openRouterWorld();
    const EXAMPLE = 'urn:example:directory';
    using _extension = world.router.extend({
      name: 'directory',
      features: { server: [EXAMPLE] },
      requests: [
        { target: 'server', namespace: EXAMPLE, type: 'get', handle: () => el(EXAMPLE, 'found') },
        {
          target: 'account',
          namespace: EXAMPLE,
          type: 'set',
          handle({ owner }) {
            throw new StanzaError('not-allowed', owner?.userid ?? '');
          },
        },
      ],
    });
    const alice = world.client('alice@acme.example/desk');
    await alice.connect();
    const ask = (to: string, type: string) =>
      alice.send(`<iq xmlns='jabber:client' ${to} type='${type}' id='x'><look xmlns='${EXAMPLE}'/></iq>`);
    ask("to='acme.example'", 'get');
    ask('', 'set');
    ask("to='bob@acme.example'", 'set');
    await world.settle();
    const [found, own, other] = alice.received;
    assert.ok(element(found ?? assert.fail(), 'found', EXAMPLE));
    assert.ok(element(element(own ?? assert.fail(), 'error') ?? assert.fail(), 'not-allowed'));
    assert.ok(element(element(other ?? assert.fail(), 'error') ?? assert.fail(), 'service-unavailable'));
  });

  it('hear of resources that come and go', async () => {
    await using world = await openRouterWorld();
    const events: SessionEvent[] = [];
    using _extension = world.router.extend({ name: 'push', onSession: (event) => void events.push(event) });
    const alice = world.client('alice@acme.example/desk');
    await alice.connect();
    alice.send("<presence xmlns='jabber:client'/>");
    await world.settle();
    alice.close();
    await world.settle();
    assert.deepEqual(
      events.map(({ kind, jid }) => [kind, jid.full]),
      [
        ['available', 'alice@acme.example/desk'],
        ['unavailable', 'alice@acme.example/desk'],
      ],
    );
  });
});
