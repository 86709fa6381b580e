import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { systemClock } from '../../../src/platform/clock.ts';
import { createLog } from '../../../src/platform/log.ts';
import type { ActionRequest, Beat, Goodbye } from '../../../src/services/server-recovery-manager/beat.ts';
import { createRpcTransport } from '../../../src/services/server-recovery-manager/rpc-transport.ts';
import { makeTestTls } from '../../rpc/support/test-tls.ts';

const log = createLog({ level: 'silent' });
const beat: Beat = {
  node: 'imp1',
  group: 1,
  version: '1',
  start: 'a',
  host: 'b',
  sequence: 4,
  state: 3,
  reason: 'Normal',
  health: 'up',
  down: [],
  ownership: [{ home: 1, epoch: 2 }],
  replicationState: 2,
  parameters: '15/60/120/90/120/537',
};

describe('heartbeats over mutual TLS', () => {
  it('go there and back between nodes of one authority, and no others are heard', async () => {
    const [tls, strangers] = await Promise.all([makeTestTls(), makeTestTls()]);
    const goodbyes: Goodbye[] = [];
    const requests: ActionRequest[] = [];
    const heard: Beat[] = [];
    // A free port, which both sides must know.
    const probe = createServer();
    const port = await new Promise<number>((resolve) =>
      probe.listen(0, '127.0.0.1', () => resolve((probe.address() as { port: number }).port)),
    );
    await new Promise((resolve) => probe.close(resolve));
    await using server = createRpcTransport({ tls, bind: '127.0.0.1', port, clock: systemClock, log });
    await using _listening = await server.listen({
      async beat(each) {
        heard.push(each);
        return { ...beat, node: 'imp2' };
      },
      goodbye: (each) => void goodbyes.push(each),
      request: async (each) => void requests.push(each),
    });
    const to = { name: 'imp2', address: '127.0.0.1' };
    await using client = createRpcTransport({ tls, bind: '127.0.0.1', port, clock: systemClock, log });
    assert.deepEqual(await client.beat(to, beat), { ...beat, node: 'imp2' });
    assert.deepEqual(heard, [beat]);
    await client.goodbye(to, { node: 'imp1', start: 'a', isNodeGoingDown: true });
    await client.request(to, { action: 'recover', by: 'test' });
    assert.deepEqual([goodbyes.length, requests], [1, [{ action: 'recover', by: 'test' }]]);
    await using stranger = createRpcTransport({ tls: strangers, bind: '127.0.0.1', port, clock: systemClock, log });
    await assert.rejects(stranger.beat(to, beat), { kind: 'unavailable' });
    await using trusting = createRpcTransport({
      tls: { node: strangers.node, ca: tls.ca },
      bind: '127.0.0.1',
      port,
      clock: systemClock,
      log,
    });
    await assert.rejects(trusting.beat(to, beat), { kind: 'unavailable' });
    assert.equal(heard.length, 1);
  });
});
