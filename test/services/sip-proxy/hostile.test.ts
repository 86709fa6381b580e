import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, it } from 'node:test';
import { until } from '../../rpc/support/until.ts';
import { openUserAgent } from './user-agent.ts';
import { openProxyWorld } from './world.ts';

describe('trouble', () => {
  it('goes on without a port that is taken, says so, and takes it when it is free', async () => {
    const taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    await using world = await openProxyWorld({ needs: { listeners: { host: '127.0.0.1', port, tlsPort: 0 } } });
    assert.deepEqual(world.alarms(), [`ESPSocketError: SIP cannot listen on TCP 127.0.0.1:${port}`]);
    assert.match(world.proxy.detail(), /listens on UDP \d+, TLS \d+ \(SIP cannot listen on TCP/);
    for (const transport of ['UDP', 'TLS'] as const) {
      await using alice = await openUserAgent(world, 'alice', { transport });
      assert.equal((await alice.register()).status, 200);
    }
    await new Promise((resolve) => taken.close(resolve));
    await world.clock.advance(5_000);
    await until(() => world.proxy.sipAddresses()?.tcp === port);
    await until(() => world.alarms().length === 0);
    await using alice = await openUserAgent(world, 'alice', { transport: 'TCP' });
    assert.equal((await alice.register()).status, 200);
  });

  it('answers 503 while a store is away, with an alarm that says which', async () => {
    await using world = await openProxyWorld();
    await using alice = await openUserAgent(world, 'alice');
    await using bob = await openUserAgent(world, 'bob');
    await bob.register();
    await world.stop('registrations');
    const answer = await alice.register();
    assert.deepEqual([answer.status, answer.headers.text('retry-after')], [503, '30']);
    assert.deepEqual(world.alarms(), ['ESPRegistryError: the SIP Registration Datastore is not running']);
    assert.equal((await alice.send(alice.request('MESSAGE', { uri: 'sip:bob@acme.example' }))).status, 503);
    await world.start('registrations');
    assert.equal((await alice.register()).status, 200);
    assert.deepEqual(world.alarms(), []);
    assert.equal(await world.registrations.size(), 2, 'registrations outlive a restart of their store');
    await world.stop('routes');
    assert.equal((await alice.register()).status, 503);
    assert.deepEqual(world.alarms(), ['ESPRoutingError: the Route Datastore is not running']);
  });

  it('survives what no SIP client sends', async () => {
    await using world = await openProxyWorld();
    const { port } = world.hop();
    const udp = createSocket('udp4');
    const head = (more: string): string =>
      `REGISTER sip:acme.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK${Math.random()}\r\nCall-ID: x\r\n${more}\r\n`;
    const hostile = [
      '',
      '\0'.repeat(2_000),
      'REGISTER',
      head(''),
      head('From: <sip:a@b>;tag=1\r\nTo: <tel:1>\r\nCSeq: 1 REGISTER\r\n'),
      head('From: <sip:a@b>;tag=1\r\nTo: <sip:%ff%fe@acme.example>\r\nCSeq: 1 REGISTER\r\nContact: <sip:@>\r\n'),
      head(
        'From: <sip:a@b>;tag=1\r\nTo: <sip:alice@acme.example>\r\nCSeq: 1 REGISTER\r\nAuthorization: Digest realm="acme.example"\r\n',
      ),
      head(
        'From: <sip:a@b>;tag=1\r\nTo: <sip:alice@acme.example>\r\nCSeq: 1 REGISTER\r\nAuthorization: Digest username="alice", realm="acme.example", nonce="x", uri="sip:", response="y"\r\n',
      ),
      head(
        `From: <sip:a@b>;tag=1\r\nTo: <sip:alice@acme.example>\r\nCSeq: 1 REGISTER\r\nRoute: <sip:path.AAAA@127.0.0.1:${port};lr>\r\n`,
      ),
      head(
        `From: <sip:a@b>;tag=1\r\nTo: <sip:alice@acme.example>;tag=2\r\nCSeq: 1 REGISTER\r\nRoute: <sip:AAAA.b.c.d@127.0.0.1:${port};lr>\r\n`,
      ),
      head(
        'From: <sip:a@b>;tag=1\r\nTo: <sip:alice@acme.example>\r\nCSeq: 1 REGISTER\r\nMax-Breadth: -1\r\nMax-Forwards: 300\r\n',
      ),
    ];
    for (const text of hostile) {
      udp.send(text, port, '127.0.0.1');
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.write(text);
      socket.end();
      await once(socket.resume(), 'close');
    }
    udp.close();
    await using alice = await openUserAgent(world, 'alice');
    assert.equal((await alice.register()).status, 200);
    assert.deepEqual(world.failures, []);
  });

  it('holds connections of one address to their cap', async () => {
    await using world = await openProxyWorld({ options: { connectionsPerAddress: 3 } });
    const { port } = world.hop('TCP');
    const sockets = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    await once((sockets[3] ?? assert.fail()).resume(), 'close');
    assert.deepEqual(
      sockets.map(({ destroyed }) => destroyed),
      [false, false, false, true],
    );
    for (const socket of sockets) socket.destroy();
    await using alice = await openUserAgent(world, 'alice');
    assert.equal((await alice.register()).status, 200);
  });
});
