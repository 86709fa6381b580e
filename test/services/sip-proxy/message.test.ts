import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { staticRoute } from '../../rpc/support/proxy-configuration.ts';
import { contactsOf, openUserAgent } from './user-agent.ts';
import { openProxyWorld } from './world.ts';

const toBob = { uri: 'sip:bob@acme.example', body: 'hello' } as const;

describe('requests between users', () => {
  for (const [from, to] of [
    ['UDP', 'UDP'],
    ['UDP', 'TLS'],
    ['TCP', 'UDP'],
    ['TLS', 'TCP'],
  ] as const) {
    it(`brings a MESSAGE from ${from} to ${to}`, async () => {
      await using world = await openProxyWorld();
      await using alice = await openUserAgent(world, 'alice', { transport: from });
      await using bob = await openUserAgent(world, 'bob', { transport: to });
      await bob.register();
      bob.answer = (transaction) => transaction.reply(202);
      const asked = await alice.sendOnce(alice.request('MESSAGE', toBob));
      assert.equal(asked.status, 407);
      const answer = await alice.send(alice.request('MESSAGE', { ...toBob, maxForwards: 20 }));
      assert.equal(answer.status, 202);
      assert.equal(answer.headers.list('via').length, 1, 'only the sender is left in Via');
      const [heard] = bob.heard;
      assert.equal(heard?.body.toString(), 'hello');
      assert.equal(heard?.uri, bob.contact);
      assert.equal(heard?.headers.get('max-forwards'), 19);
      assert.equal(heard?.headers.has('proxy-authorization'), false);
      assert.equal(heard?.headers.has('record-route'), false);
      assert.equal(await world.counter('SIPMessageRequestIn'), 3);
      assert.equal(await world.counter('SIPMessageRequestOut'), 1);
    });
  }

  it('answers OPTIONS to itself, whoever asks', async () => {
    await using world = await openProxyWorld();
    await using alice = await openUserAgent(world, 'alice');
    for (const uri of ['sip:acme.example', `sip:127.0.0.1:${world.hop().port}`]) {
      const answer = await alice.sendOnce(alice.request('OPTIONS', { uri, from: 'sip:stranger@other.example' }));
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.lists('allow', 'MESSAGE'), true);
    }
    const last = alice.request('OPTIONS', { uri: 'sip:bob@acme.example', maxForwards: 0 });
    assert.equal((await alice.sendOnce(last)).status, 200);
  });

  it('refuses with the status that says why', async () => {
    await using world = await openProxyWorld({
      users: ['alice', 'bob', 'carol'].map((userid) => ({ userid })),
      dynamic: {
        federatedDomains: [{ domain: 'blocked.example', policy: 'block', protocol: 'SIP' }],
      },
    });
    await using alice = await openUserAgent(world, 'alice');
    const status = async (method: string, given: Parameters<typeof alice.request>[1]): Promise<string> => {
      const { status: code, reason } = await alice.send(alice.request(method, given));
      return `${code} ${reason}`;
    };
    const presence = [['Event', 'presence']] as const;
    assert.equal(await status('MESSAGE', { uri: 'sip:nobody@acme.example' }), '404 Not Found');
    assert.equal(await status('MESSAGE', { uri: 'sip:someone@unknown.example' }), '404 Not Found');
    assert.equal(await status('MESSAGE', { uri: 'sip:someone@blocked.example' }), '403 Domain Blocked');
    assert.equal(await status('MESSAGE', { uri: 'tel:+4930123456' }), '416 Unsupported URI Scheme');
    assert.equal(await status('MESSAGE', toBob), '480 Temporarily Unavailable');
    assert.equal(await status('MESSAGE', { ...toBob, from: 'sip:carol@acme.example' }), '403 From Is Another User');
    assert.equal(await status('MESSAGE', { ...toBob, from: 'sip:x@unknown.example' }), '403 Forbidden');
    assert.equal(await status('MESSAGE', { ...toBob, maxForwards: 0 }), '483 Too Many Hops');
    assert.equal(await status('MESSAGE', { ...toBob, body: 'x'.repeat(8193) }), '413 Request Entity Too Large');
    assert.equal(await status('MESSAGE', { ...toBob, headers: [['Proxy-Require', 'foo']] }), '420 Bad Extension');
    assert.equal(await status('SUBSCRIBE', { ...toBob, headers: presence }), '503 Presence Engine Not Running');
    assert.equal(await status('PUBLISH', { ...toBob, headers: presence }), '503 Presence Engine Not Running');
    assert.equal(await status('SUBSCRIBE', { ...toBob, headers: [['Event', 'weather']] }), '489 Bad Event');
    assert.equal(await status('PUBLISH', { ...toBob, headers: [['Event', 'weather']] }), '489 Bad Event');
    assert.equal(await status('SUBSCRIBE', toBob), '489 Bad Event');
  });

  it('hands presence to the Presence Engine, and what is routed by method and event to its listener', async () => {
    let engineHop: ReturnType<Awaited<ReturnType<typeof openUserAgent>>['endpoint']['hop']> | undefined;
    await using world = await openProxyWorld({ needs: { presenceEngine: () => engineHop } });
    await using engine = await openUserAgent(world, 'engine');
    engineHop = engine.endpoint.hop();
    await using gateway = await openUserAgent(world, 'gateway');
    await using alice = await openUserAgent(world, 'alice');
    const subscribe = alice.request('SUBSCRIBE', { ...toBob, headers: [['Event', 'presence']] });
    assert.equal((await alice.send(subscribe)).status, 200);
    const [heard] = engine.heard;
    assert.equal(heard?.uri, 'sip:bob@acme.example');
    assert.equal(heard?.headers.list('record-route').length, 1, 'NOTIFY comes back through the proxy');
    const { port } = gateway.endpoint.hop();
    await using routed = await openProxyWorld({
      base: { listeners: [{ name: 'CTI', address: '127.0.0.1', port, transport: 'UDP' }] },
      dynamic: { methodEventRoutes: [{ method: 'SUBSCRIBE', event: 'weather', listener: 'CTI' }] },
    });
    await using carol = await openUserAgent(routed, 'carol');
    const weather = carol.request('SUBSCRIBE', { ...toBob, headers: [['Event', 'weather']] });
    assert.equal((await carol.send(weather)).status, 200);
    assert.equal(gateway.heard.length, 1);
  });

  it('trusts those on the incoming list, but nobody for having the node’s own address', async () => {
    await using world = await openProxyWorld({
      dynamic: { incomingAcl: [{ pattern: '127.0.0.1', isGenerated: true }] },
    });
    await using alice = await openUserAgent(world, 'alice');
    await using bob = await openUserAgent(world, 'bob');
    await bob.register();
    const message = (): ReturnType<typeof alice.request> => alice.request('MESSAGE', toBob);
    assert.equal((await alice.sendOnce(message())).status, 407);
    await world.configure({ incomingAcl: [{ pattern: '127.0.0.0/8', isGenerated: false }] });
    assert.equal((await alice.sendOnce(message())).status, 200);
    const foreign = alice.request('MESSAGE', { ...toBob, from: 'sip:x@other.example' });
    assert.equal((await alice.sendOnce(foreign)).status, 200);
    assert.equal(await world.counter('SIPMessageRequestInForeign'), 1);
    assert.equal((await alice.sendOnce(alice.request('REGISTER', { to: 'sip:alice@acme.example' }))).status, 401);
  });

  it('finds a loop, and lets a spiral go on', async () => {
    await using world = await openProxyWorld();
    await using alice = await openUserAgent(world, 'alice');
    await using bob = await openUserAgent(world, 'bob');
    await bob.register([['Contact', `<sip:bob@127.0.0.1:${world.hop().port}>`]]);
    await world.configure({ incomingAcl: [{ pattern: 'all', isGenerated: false }] });
    assert.equal((await alice.send(alice.request('MESSAGE', toBob))).status, 482);
    await bob.register([['Contact', `<sip:carol@127.0.0.1:${world.hop().port}>`]]);
    await bob.register([['Contact', `<sip:bob@127.0.0.1:${world.hop().port}>;expires=0`]]);
    await using carol = await openUserAgent(world, 'carol');
    await carol.register();
    assert.equal((await alice.send(alice.request('MESSAGE', toBob))).status, 200);
    assert.equal(carol.heard.length, 1);
  });

  it('follows static routes by priority, and goes on when one fails', async () => {
    await using world = await openProxyWorld();
    await using alice = await openUserAgent(world, 'alice');
    await using gateway = await openUserAgent(world, 'gateway');
    const { port } = gateway.endpoint.hop();
    const route = staticRoute({ nextHop: '127.0.0.1' });
    await world.configure({
      staticRoutes: [
        { ...route, port: 1, priority: 1 },
        { ...route, port, priority: 2 },
        { ...route, pattern: '7499*', port, priority: 1, block: true },
      ],
    });
    assert.equal((await alice.send(alice.request('MESSAGE', { uri: 'sip:7401@acme.example' }))).status, 200);
    assert.equal(gateway.heard[0]?.uri, 'sip:7401@acme.example');
    assert.equal((await alice.send(alice.request('MESSAGE', { uri: 'sip:749912@acme.example' }))).status, 403);
    await world.configure({
      staticRoutes: [{ ...route, port, priority: 1 }],
      outgoingAcl: [{ pattern: '10.0.0.0/8', isGenerated: false }],
    });
    const refused = await alice.send(alice.request('MESSAGE', { uri: 'sip:7401@acme.example' }));
    assert.equal(refused.reason, 'Destination Not Allowed');
  });

  it('sends a registration on to the home node, and comes back over the flow by Path', async () => {
    await using home = await openProxyWorld({ users: [{ userid: 'alice', primarynodeid: 1 }] });
    await using world = await openProxyWorld({ users: [{ userid: 'alice', primarynodeid: 2 }, { userid: 'bob' }] });
    await using alice = await openUserAgent(world, 'alice');
    // The other node has no default port here, so the edge's side is looked at: where it would go.
    const answer = alice.sendOnce(alice.request('REGISTER', { to: 'sip:alice@acme.example' }));
    await world.clock.advance(40_000);
    assert.equal((await answer).status, 504);
    await using phone = await openUserAgent(home, 'alice', { transport: 'TCP' });
    const registered = await phone.register([
      ['Contact', `<${phone.contact}>`],
      ['Path', '<sip:path.x@127.0.0.9;lr;ob>'],
      ['Supported', 'path'],
    ]);
    assert.deepEqual([registered.status, registered.headers.text('path')], [200, '<sip:path.x@127.0.0.9;lr;ob>']);
    const [binding] = await home.registrations.bindingsOf('alice@acme.example');
    assert.deepEqual(binding?.path, ['<sip:path.x@127.0.0.9;lr;ob>']);
    assert.deepEqual(contactsOf(registered), [phone.contact]);
  });
});
