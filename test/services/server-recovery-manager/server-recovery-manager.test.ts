import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type HaWorld, openHaWorld } from './ha-world.ts';

const bothNormal = async (world: HaWorld): Promise<void> => {
  await world.until(() => world.states() === '3 Normal / 3 Normal', 'both Normal');
  await world.until(() => world.owners(1)[0] === 'imp1' && world.owners(2)[0] === 'imp2', 'their own users');
};
const alarmsOf = (world: HaWorld, node: 'one' | 'two'): string[] =>
  world[node].ids.alarms
    .active()
    .map(({ name }) => name)
    .filter((name) => name.startsWith('SRM'));

describe('the Server Recovery Manager of two nodes', () => {
  it('comes to Normal on both, each with its own users, and says so to everybody', async () => {
    await using world = await openHaWorld();
    await bothNormal(world);
    await world.clock.advance(2_000);
    for (const node of [world.one, world.two]) {
      assert.deepEqual(await node.stored(), ['imp1 3 Normal', 'imp2 3 Normal']);
      assert.match(node.manager.detail(), /Normal \(Normal\); imp\d Normal \(Normal\), heard \d s ago/);
    }
    assert.match(await world.one.ids.metrics.render(), /SRMState 3/);
    assert.deepEqual(world.one.manager.ownerOf(null), { node: 'imp1', epoch: 1 });
  });

  it('moves the users of a killed node to its peer within the time-out and a second, and back by hand', async () => {
    await using world = await openHaWorld();
    await bothNormal(world);
    const epoch = world.one.manager.ownerOf(1).epoch;
    await world.one.stop('kill');
    const at = world.clock.monotonic();
    await world.until(() => world.owners(1)[0] === 'imp2', 'taken over');
    assert.ok(world.clock.monotonic() - at <= 4_000, `took ${world.clock.monotonic() - at} ms`);
    await world.until(() => world.two.manager.own.state === 4, 'Backup');
    assert.equal(world.states(), 'away / 4 Peer Down');
    assert.ok(world.two.manager.ownerOf(1).epoch > epoch);
    assert.deepEqual(world.owners(2), ['imp2']);
    assert.deepEqual(alarmsOf(world, 'two'), ['SRMFailover']);
    assert.match(world.two.notifications.active()[0]?.text ?? '', /users of imp1 are served by imp2 \(Peer Down\)/);
    await world.clock.advance(1_000);
    assert.deepEqual(await world.two.stored(), ['imp1 12 Peer Down', 'imp2 4 Peer Down']);

    await world.one.start();
    await world.until(() => world.states() === '8 Initialization / 4 Peer Down', 'Failed Over');
    await world.clock.advance(1_000);
    assert.deepEqual(world.owners(1), ['imp2']);
    assert.deepEqual(await world.one.stored(), ['imp1 8 Initialization', 'imp2 4 Peer Down']);
    // Asked of either node.
    await world.two.manager.administration.fallback('imp1', 'test');
    await bothNormal(world);
    assert.deepEqual(alarmsOf(world, 'two'), []);
    assert.deepEqual(world.two.notifications.active(), []);
  });

  it('calls it Peer Reboot when the host is gone, and puts the reason right when it comes back started anew', async () => {
    await using world = await openHaWorld();
    await bothNormal(world);
    world.one.hostAnswers = false;
    await world.one.stop('kill');
    await world.until(() => world.states() === 'away / 4 Peer Reboot', 'Peer Reboot');

    await using again = await openHaWorld();
    await bothNormal(again);
    await again.one.stop('kill');
    await again.until(() => again.states() === 'away / 4 Peer Down', 'Peer Down');
    again.one.hostId = 'another life';
    await again.one.start();
    await again.until(() => again.states() === '8 Initialization / 4 Peer Reboot', 'put right');
  });

  it('calls it Peer Reboot when the node said goodbye', async () => {
    await using world = await openHaWorld();
    await bothNormal(world);
    await world.one.stop('goodbye');
    await world.until(() => world.states() === 'away / 4 Peer Reboot', 'Peer Reboot');
  });

  it('fails over by hand: Idle, serving services stopped; and back', async () => {
    await using world = await openHaWorld();
    await bothNormal(world);
    await world.one.manager.administration.failover('imp1', 'test');
    await world.until(() => world.states() === '2 On Admin Request / 4 On Admin Request', 'Idle and Backup');
    await world.clock.advance(5_000);
    assert.deepEqual(world.owners(1), ['imp2']);
    assert.deepEqual(Object.fromEntries(world.one.services), {
      'route-datastore': 'Started',
      'presence-engine': 'Stopped',
      'sip-proxy': 'Stopped',
      'client-profile-agent': 'Started',
    });
    assert.deepEqual(world.one.notifications.active(), []);
    await assert.rejects(world.one.manager.administration.failover('imp2', 'test'), {
      code: 'ha.not-now',
      kind: 'conflict',
      message: /imp2 Running in Backup Mode \(On Admin Request\), imp1 Idle/,
    });
    await world.one.manager.administration.fallback('imp1', 'test');
    await bothNormal(world);
    assert.equal(world.one.services.get('sip-proxy'), 'Started');
  });

  it('keeps the roles over a restart of either Server Recovery Manager, and of both', async () => {
    await using world = await openHaWorld();
    await bothNormal(world);
    await world.one.manager.administration.failover('imp1', 'test');
    await world.until(() => world.states() === '2 On Admin Request / 4 On Admin Request', 'Idle and Backup');
    await world.one.stop('kill');
    await world.one.start();
    await world.until(() => world.states() === '2 Initialization / 4 On Admin Request', 'Idle again');
    await world.two.stop('kill');
    await world.two.start();
    await world.until(() => world.states() === '2 Initialization / 4 Initialization', 'Backup again');
    await world.one.stop('kill');
    await world.two.stop('kill');
    await world.clock.advance(60_000);
    await world.one.start();
    await world.two.start();
    await world.until(() => world.states() === '2 Initialization / 4 Initialization', 'both again');
    await world.until(() => world.owners(1)[0] === 'imp2', 'users at the backup');
  });

  it('fails over when a critical service is down for too long, and not before', async () => {
    await using world = await openHaWorld();
    await bothNormal(world);
    world.one.services.set('presence-engine', 'Stopped');
    await world.clock.advance(1_500);
    world.one.services.set('presence-engine', 'Started');
    await world.clock.advance(5_000);
    assert.equal(world.states(), '3 Normal / 3 Normal');
    world.one.services.set('client-profile-agent', 'Stopped');
    await world.clock.advance(5_000);
    assert.equal(world.states(), '3 Normal / 3 Normal', 'shown, but no reason to fail over');
    world.one.services.set('presence-engine', 'Stopped');
    await world.until(() => world.states() === '9 Critical Service Down / 4 Critical Service Down', 'failed over');
    await assert.rejects(world.one.manager.administration.fallback('imp1', 'test'), { message: /presence-engine/ });
    assert.equal(world.one.services.get('sip-proxy'), 'Started', 'the healthy ones go on');
    world.one.services.set('presence-engine', 'Started');
    await world.until(() => world.states() === '8 Critical Service Down / 4 Critical Service Down', 'services up');
    // The backup loses one in its turn.
    world.two.services.set('sip-proxy', 'Stopped');
    const swapped = '4 Auto Recover Critical Service Down / 9 Auto Recover Critical Service Down';
    await world.until(() => world.states() === swapped, 'roles swapped');
    assert.deepEqual([...world.owners(1), ...world.owners(2)], ['imp1', 'imp1']);
  });

  it('fails over at once when the database is down', async () => {
    await using world = await openHaWorld();
    await bothNormal(world);
    world.one.isDatabaseAway = true;
    await world.until(() => world.states() === '9 Database Failure / 4 Database Failure', 'failed over');
    world.one.isDatabaseAway = false;
    await world.until(() => world.one.manager.own.state === 8, 'up again');
    await world.clock.advance(1_000);
    assert.match((await world.one.stored())[0] ?? '', /imp1 8/);
  });

  it('falls back by itself after half an hour of health, when it is told to', async () => {
    await using world = await openHaWorld({
      options: { automaticFallback: true, keepAliveIntervalSeconds: 20, keepAliveTimeoutSeconds: 60 },
    });
    await bothNormal(world);
    world.one.services.set('sip-proxy', 'Stopped');
    await world.until(() => world.states() === '9 Critical Service Down / 4 Critical Service Down', 'failed over');
    world.one.services.set('sip-proxy', 'Started');
    await world.until(() => world.one.manager.own.state === 8, 'up again');
    await world.clock.advance(29 * 60_000);
    assert.equal(world.one.manager.own.state, 8);
    await world.clock.advance(2 * 60_000);
    await bothNormal(world);
  });

  it('goes to Failed when users cannot be moved, and recovers on request', async () => {
    await using world = await openHaWorld();
    await bothNormal(world);
    world.two.isMoveFailing = true;
    await world.one.manager.administration.failover('imp1', 'test');
    await world.until(() => world.states() === '11 Take Over Users Failed / 11 Take Over Users Failed', 'Failed');
    assert.ok(alarmsOf(world, 'one').includes('SRMFailed'));
    await world.until(() => world.owners(1)[0] === 'imp1' && world.owners(2)[0] === 'imp2', 'each serves its own');
    world.two.isMoveFailing = false;
    await world.two.manager.administration.recover('', 'test');
    await bothNormal(world);
    await world.until(() => alarmsOf(world, 'one').length === 0, 'alarms cleared');
    await assert.rejects(world.two.manager.administration.recover('', 'test'), { code: 'ha.not-now' });
  });

  it('takes nobody over while the peer lives and only heartbeats are lost', async () => {
    await using world = await openHaWorld();
    await bothNormal(world);
    world.isLinkUp = false;
    await world.clock.advance(60_000);
    assert.equal(world.states(), '3 Normal / 3 Normal');
    assert.deepEqual([world.owners(1), world.owners(2)], [['imp1'], ['imp2']]);
    world.isLinkUp = true;
    await world.clock.advance(5_000);
    assert.equal(world.states(), '3 Normal / 3 Normal');
  });

  it('gives way when it is the one that is cut off, from the peer and from the store', async () => {
    await using world = await openHaWorld();
    await bothNormal(world);
    world.isLinkUp = false;
    world.one.isStoreAway = true;
    await world.until(() => world.states() === '8 Peer Down / 4 Peer Down', 'isolated');
    assert.deepEqual([world.owners(1), world.owners(2)], [['imp2'], ['imp2']]);
    world.one.isStoreAway = false;
    world.isLinkUp = true;
    await world.clock.advance(10_000);
    assert.equal(world.states(), '8 Peer Down / 4 Peer Down');
    await world.one.manager.administration.fallback('imp1', 'test');
    await bothNormal(world);
  });

  it('serves nobody while the store is away, and goes on when it is back', async () => {
    await using world = await openHaWorld();
    await bothNormal(world);
    world.one.isStoreAway = true;
    world.two.isStoreAway = true;
    await world.clock.advance(4_000);
    assert.deepEqual([world.owners(1), world.owners(2)], [[], []]);
    assert.throws(() => world.one.manager.ownerOf(1), { kind: 'unavailable', code: 'ha.not-owner' });
    assert.equal(world.states(), '3 Normal / 3 Normal');
    world.one.isStoreAway = false;
    world.two.isStoreAway = false;
    await bothNormal(world);
  });

  it('is switched on only when nothing stands against it, and off at any time', async () => {
    await using world = await openHaWorld({ isEnabled: false });
    const { administration } = world.one.manager;
    await world.until(() => world.owners(2)[0] === 'imp2', 'own users without high availability');
    assert.equal(world.states(), '0 High Availability Not Enabled / 0 High Availability Not Enabled');
    world.two.services.set('sip-proxy', 'Stopped');
    await world.clock.advance(4_000);
    await assert.rejects(administration.enable('', false), {
      code: 'ha.cannot-enable',
      message: /critical services of imp2 are down: sip-proxy/,
    });
    await assert.rejects(world.two.manager.administration.enable('', true), { code: 'ha.not-publisher' });
    world.two.services.set('sip-proxy', 'Started');
    await world.clock.advance(2_000);
    assert.deepEqual((await administration.overview()).problems, []);
    await administration.enable('', false);
    await world.setEnabled(true);
    await bothNormal(world);
    await world.two.stop('kill');
    await world.until(() => world.owners(2)[0] === 'imp1', 'taken over');
    await world.two.start();
    await world.until(() => world.states() === '4 Peer Down / 8 Initialization', 'failed over');
    await world.setEnabled(false);
    await world.until(() => world.owners(2)[0] === 'imp2', 'home again');
    assert.equal(world.states(), '0 High Availability Not Enabled / 0 High Availability Not Enabled');
  });

  it('is never switched on over a store that the nodes do not share', async () => {
    await using world = await openHaWorld({ isEnabled: false, isStoreShared: false });
    await world.clock.advance(2_000);
    await assert.rejects(world.one.manager.administration.enable('', true), { message: /Redis or Valkey/ });
  });
});
