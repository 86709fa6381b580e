import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLog } from '../../../src/platform/log.ts';
import { createRpcClient } from '../../../src/rpc/client.ts';
import { resolveParameters } from '../../../src/rpc/handover/parameters.ts';
import { checkEngineConfiguration, type EngineConfiguration } from '../../../src/rpc/presence-engine/configuration.ts';
import { ENGINE_PARAMETERS } from '../../../src/rpc/presence-engine/parameters.ts';
import { makeTestTls } from '../../rpc/support/test-tls.ts';
import { openOamWorld } from '../oam-agent/world.ts';

describe("the Presence Engine's control port", () => {
  it('answers by JSON-RPC to those who show a certificate of the cluster', async () => {
    await using world = await openOamWorld();
    await world.startAgent();
    await world.startEngine();
    const client = (tls: typeof world.tls) =>
      createRpcClient({
        address: () => world.engine.controlAddress(),
        tls,
        clock: world.clock,
        log: createLog({ level: 'silent' }),
        timeoutMs: 5_000,
      });
    await using ours = client(world.tls);
    assert.deepEqual(await ours.call('configVersion', {}), { version: 1, restartNeeded: [], refused: null });
    const refused = (await ours.call('configChanged', { version: 7 })) as { refused: { reason: string } };
    assert.match(refused.refused.reason, /version 7 was announced, version 1 lies there/);
    await assert.rejects(ours.call('configChanged', { version: '7' }), { number: -32602 });
    const stranger = await makeTestTls();
    await using theirs = client({ node: stranger.node, ca: world.tls.ca });
    await assert.rejects(theirs.call('configVersion', {}), { code: /^rpc\.(tls|closed)$/ });
  });

  it('shows a renewed certificate at once', async () => {
    await using world = await openOamWorld();
    await world.startAgent();
    await world.startEngine();
    const renewed = await makeTestTls();
    world.engine.renewTls(renewed);
    const client = (tls: typeof world.tls) =>
      createRpcClient({
        ...{ address: () => world.engine.controlAddress(), tls, clock: world.clock },
        ...{ log: createLog({ level: 'silent' }), timeoutMs: 5_000 },
      });
    await using before = client(world.tls);
    await assert.rejects(before.call('configVersion', {}), { code: /^rpc\.(tls|closed)$/ });
    await using after = client(renewed);
    assert.deepEqual(await after.call('configVersion', {}), { version: 1, restartNeeded: [], refused: null });
  });

  it('is gone when the engine is stopped', async () => {
    await using world = await openOamWorld();
    await world.startAgent();
    const scope = await world.startEngine();
    await scope.close();
    assert.equal(world.engine.controlAddress(), undefined);
    assert.equal(world.engine.configuration(), undefined);
  });
});

describe("the Presence Engine's configuration", () => {
  const good: EngineConfiguration = {
    parameters: resolveParameters(ENGINE_PARAMETERS, [], 'imp1', undefined).values,
    defaultDomain: 'acme.example',
    domains: ['acme.example'],
    node: { id: 1, name: 'imp1', group: 1, isPublisher: false },
    peer: null,
    gateways: [],
  };
  it('must make sense as a whole', () => {
    checkEngineConfiguration(good);
    const cases: readonly (readonly [Partial<EngineConfiguration>, RegExp])[] = [
      [{ node: { ...good.node, group: 0 } }, /node imp1: it is in no presence redundancy group/],
      [{ defaultDomain: 'other.example' }, /domains\/@default/],
      [{ gateways: [{ type: 'CUCM', address: 'a b' }] }, /gateway CUCM a b/],
      [{ gateways: Array(2).fill({ type: 'CUCM', address: 'a' }) }, /given twice/],
      [{ parameters: { ...good.parameters, memoryLowPercent: 95 } }, /memoryLowPercent: must be below/],
      [{ peer: { id: 2, name: 'imp2', address: '' } }, /peer imp2/],
    ];
    for (const [change, expected] of cases) {
      assert.throws(() => checkEngineConfiguration({ ...good, ...change }), expected);
    }
    checkEngineConfiguration({ ...good, node: { ...good.node, group: 0, isPublisher: true } });
  });
});
