import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRedisEngine } from '../../src/datastore/redis-engine.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { createScope } from '../../src/platform/scope.ts';
import {
  createLoginDatastore,
  loginDatastoreDescriptor,
  type SessionRequest,
} from '../../src/services/login-datastore/login-datastore.ts';
import { turn } from '../support/fake-clock.ts';
import { redisMissing, startRedis } from '../support/redis-server.ts';

const log = createLog({ level: 'silent' });

const alice: SessionRequest = {
  kind: 'enduser',
  userPkid: 'alice',
  userid: 'alice',
  clientType: 'CUPC',
  clientVersion: '1',
  owner: null,
  homeNodeId: 1,
  password: 'right',
  force: false,
};

describe('sessions in a shared store', { skip: redisMissing }, () => {
  it('are good at every node, and log-ins are told to try later while the store is away', async () => {
    await using server = await startRedis();
    await using stack = new AsyncDisposableStack();
    const node = async (name: string) => {
      const metrics = createMetrics();
      const target = { url: server.url, password: undefined, caFile: undefined };
      const engine = stack.use(await createRedisEngine({ target, clock: systemClock, log, metrics }));
      while (!engine.isReady) await turn();
      const scope = createScope(systemClock, (error) => {
        throw error;
      });
      stack.defer(() => scope.close());
      const store = createLoginDatastore(
        {
          engine,
          clock: systemClock,
          log,
          metrics,
          servedBy: () => ({ node: name, epoch: 1 }),
          secret: Buffer.from('the same thirty-two bytes, or more, everywhere'),
        },
        loginDatastoreDescriptor.options.parse({}),
      );
      await store.start(scope);
      return { store, engine };
    };
    const one = await node('imp1');
    const two = await node('imp2');
    const { key } = await one.store.open(alice);
    assert.equal((await two.store.find(key))?.userid, 'alice');
    assert.equal((await two.store.open(alice)).key, key, 'the same slot, the same key');
    const session = await two.store.find(key);
    assert.equal(session?.servedBy.node, 'imp2');
    assert.ok(session);
    const token = await two.store.issueToken(session);
    const redeemed = await Promise.all([one.store.redeemToken(token, 'alice'), two.store.redeemToken(token, 'alice')]);
    assert.equal(
      redeemed.filter((each) => each !== undefined).length,
      1,
      'a one-time password is good once in the cluster',
    );

    await server.stop();
    while (one.engine.isReady) await turn();
    await assert.rejects(one.store.open(alice), { kind: 'unavailable' });
    await assert.rejects(one.store.find(key), { kind: 'unavailable' });
    await server.start();
    while (!one.engine.isReady) await turn();
    const again = await one.store.open(alice);
    assert.equal((await one.store.find(again.key))?.userid, 'alice');
  });
});
