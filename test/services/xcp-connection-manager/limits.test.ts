import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { createByteRates } from '../../../src/xmpp/server/byte-rate.ts';
import { el, message, NS, StreamError } from '../../../src/xmpp/xmpp.ts';
import { turn } from '../../support/fake-clock.ts';
import { openClientWorld, PASSWORD } from './client-world.ts';

const credentials = (username: string) => ({ kind: 'password', username, password: PASSWORD }) as const;

describe('limits of the Connection Manager', () => {
  it('slows a stream down that sends too much for too long, and not one that bursts', () => {
    let throttled = 0;
    const rates = createByteRates({ bytesPerSecond: 1_000, burstSeconds: 3 }, () => {
      throttled += 1;
    });
    const stream = { bytesRead: 0, holds: 0, pause: () => void 0, resume: () => void 0 };
    stream.pause = () => {
      stream.holds += 1;
    };
    stream.resume = () => {
      stream.holds -= 1;
    };
    using _measured = rates.add(stream);
    const send = (bytes: number): void => {
      if (stream.holds === 0) stream.bytesRead += bytes;
      rates.tick();
    };
    for (const bytes of [50_000, 0, 5_000, 5_000, 100]) send(bytes);
    assert.equal(throttled, 0, 'bursts cost nothing');
    for (let second = 0; second < 3; second += 1) send(5_000);
    assert.equal(throttled, 1);
    assert.equal(stream.holds, 1);
    const before = stream.bytesRead;
    for (let second = 0; second < 100; second += 1) send(5_000);
    const rate = (stream.bytesRead - before) / 100;
    assert.ok(rate > 800 && rate < 1_100, `read at ${rate} bytes a second`);
    for (let second = 0; second < 20; second += 1) send(0);
    assert.equal(rates.tick(), 0, 'it behaves again');
    assert.equal(stream.holds, 0);
  });

  it('raises XcpCmReadBytesLimit for a flood, and clears it', async () => {
    await using world = await openClientWorld({ manager: { bytesPerSecond: 1_000, burstSeconds: 2 } });
    const { clock, test } = world.router;
    const alice = await world.connect(credentials('alice'));
    const raised = (): boolean => test.alarms.active().some(({ name }) => name === 'XcpCmReadBytesLimit');
    for (let second = 0; second < 3; second += 1) {
      alice.stream.send(message({ to: alice.stream.jid, type: 'chat' }, el(NS.client, 'body', {}, 'x'.repeat(5_000))));
      while (alice.received.filter(({ local }) => local === 'message').length <= second && !raised()) await turn();
      await clock.advance(1_000);
    }
    assert.ok(raised());
    await clock.advance(20_000);
    assert.ok(!raised());
  });

  it('refuses more connections of one address than it may hold', async () => {
    await using world = await openClientWorld({ manager: { connectionsPerAddress: 1 } });
    const { test } = world.router;
    await world.connect(credentials('alice'));
    const port = world.manager.ports().startTls ?? assert.fail();
    const second = connect(port, '127.0.0.1');
    await once(second, 'close');
    assert.ok(test.alarms.active().some(({ name }) => name === 'XcpCmConnectionsPerIpLimit'));
  });

  it('holds addresses of exempt networks to no such limit', async () => {
    await using world = await openClientWorld({ manager: { connectionsPerAddress: 1 }, isExempt: true });
    await world.connect(credentials('alice'));
    await world.connect(credentials('bob'));
  });

  it('reads from nobody while the router is behind', async () => {
    await using world = await openClientWorld({ router: { queuedStanzas: 100 } });
    const { router, test, metric } = world.router;
    let letGo: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    using _slow = router.extend({ name: 'archiver', onMessage: () => gate });
    const clients = [];
    for (const user of ['alice', 'bob', 'carol', 'dave']) clients.push(await world.connect(credentials(user)));
    for (const { stream } of clients) {
      for (let count = 0; count < 60; count += 1)
        stream.send(message({ to: stream.jid, type: 'chat', id: `${count}` }));
    }
    const raised = (): boolean => test.alarms.active().some(({ name }) => name === 'XcpCmPauseSockets');
    while (!raised()) await turn();
    assert.equal(router.isBehind, true);
    assert.equal(await metric('CmSocketOperationsPaused'), 1);
    letGo();
    for (const { until } of clients) await until((stanza) => stanza.attributes.some(({ value }) => value === '59'));
    assert.ok(!raised());
    assert.equal(router.isBehind, false);
  });

  it('leaves sessions that can be resumed with the router when it restarts', async () => {
    await using world = await openClientWorld();
    const alice = await world.connect(credentials('alice'), { resource: 'desk' });
    alice.stream.send(el(NS.sm, 'enable', { resume: true }));
    await alice.until(({ local }) => local === 'enabled');
    const bob = await world.connect(credentials('bob'));
    await world.stopManager();
    await Promise.all([alice.closed, bob.closed]);
    assert.equal(await world.router.metric('JsmSuspendedSessions'), 1);
    assert.equal(await world.router.metric('JsmSessionsClient'), 1, 'the other one is over');
    await world.startManager();
    assert.equal(await world.router.metric('JsmSessionsClient'), 1);
  });

  it('ends streams with system-shutdown, and keeps its ports over a restart', async () => {
    await using world = await openClientWorld();
    const alice = await world.connect(credentials('alice'), { resource: 'desk' });
    const before = world.manager.ports();
    await world.stopManager();
    const reason = await alice.closed;
    assert.ok(reason instanceof StreamError && reason.condition === 'system-shutdown');
    assert.deepEqual(world.manager.ports(), { startTls: undefined, tls: undefined });
    await world.startManager();
    assert.deepEqual(world.manager.ports(), before);
    await world.connect(credentials('alice'), { resource: 'desk' });
  });
});
