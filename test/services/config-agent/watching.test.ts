import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { openConfigWorld } from './world.ts';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('what the Config Agent watches', () => {
  it('raises an alarm when the node uses too much for a minute, and clears it below the low mark', async () => {
    const load = { cpuPercent: 95, memoryPercent: 10 };
    await using world = await openConfigWorld({ load });
    await world.startAgent();
    await world.clock.advance(59_000);
    assert.deepEqual(world.alarms(), []);
    await world.clock.advance(1_000);
    assert.deepEqual(world.alarms(), ['config-agent/EspConfigAgentHighCPUUtilization']);
    Object.assign(load, { cpuPercent: 85, memoryPercent: 91 });
    await world.clock.advance(60_000);
    assert.deepEqual(world.alarms().sort(), [
      'config-agent/EspConfigAgentHighCPUUtilization',
      'config-agent/EspConfigAgentHighMemoryUtilization',
    ]);
    Object.assign(load, { cpuPercent: 79, memoryPercent: 79 });
    await world.clock.advance(10_000);
    assert.deepEqual(world.alarms(), []);
  });

  it('calls the agents of the other nodes, and says when the network is out and when it is back', async () => {
    await using world = await openConfigWorld({ heartbeatPort: await freePort() });
    const { ids, alarms } = world.test;
    const row = { subclusterid: 2, isprimary: 0, tkhaserverstate: 0, hareason: '', version: '1' };
    // The name leads to our own port: what answers there is as good as another node.
    const insert = { id: 2, name: 'imp2', address: 'localhost', ...row };
    await ids.transaction('node', (trx) => trx.insertInto('enterprisenode').values(insert).execute());
    await world.startAgent();
    await world.clock.advanceUntil(() => world.agent.detail().endsWith(', hears imp2'));
    const move = (address: string) =>
      ids.transaction('node', (trx) =>
        trx.updateTable('enterprisenode').set({ address }).where('name', '=', 'imp2').execute(),
      );
    await move('127.0.0.9');
    await world.note();
    const outage = (): string[] => alarms.active().map(({ name, message }) => `${name}: ${message}`);
    await world.clock.advanceUntil(() => outage().length > 0);
    assert.match(outage()[0] ?? '', /^EspConfigAgentNetworkOutage: imp2 \(127\.0\.0\.9\) does not answer on port \d+$/);
    assert.match(world.agent.detail(), /, hears no other node$/);
    await move('localhost');
    await world.note();
    await world.clock.advanceUntil(() => outage().length === 0);
    assert.deepEqual(
      alarms.history().map(({ name }) => name),
      ['EspConfigAgentNetworkRestored', 'EspConfigAgentNetworkOutage'],
    );
  });
});
