import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type EngineWorld, openEngineWorld, pkidOf } from './engine-world.ts';
import { type Heard, openUserAgent, pidf, type UserAgent } from './user-agent.ts';

describe('who may watch', () => {
  let world: EngineWorld;
  let alice: UserAgent;
  let bob: UserAgent;
  beforeEach(async () => {
    world = await openEngineWorld({ options: { notifyIntervalSeconds: 0 } });
    alice = await openUserAgent(world, 'alice');
    bob = await openUserAgent(world, 'bob');
    await alice.publish(pidf('alice', 'busy'));
  });
  afterEach(async () => {
    await alice[Symbol.asyncDispose]();
    await bob[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  const acl = (watcher: string, policy: 'allow' | 'deny', type: 'user' | 'domain' = 'user'): Promise<void> =>
    world.test.ids.transaction('client', async (trx) => {
      await trx.deleteFrom('peuriacl').where('watcher', '=', watcher).execute();
      await trx
        .insertInto('peuriacl')
        .values({ fkenduser: pkidOf('alice'), watcher, type, policy })
        .execute();
    });
  const rule = (policy: 'allow' | 'block' | 'polite-block' | 'ask' | undefined): Promise<void> =>
    world.test.ids.transaction('client', async (trx) => {
      await trx.deleteFrom('presencerule').execute();
      if (policy === undefined) return;
      await trx
        .insertInto('presencerule')
        .values({
          fkenduser: pkidOf('alice'),
          ruleid: 'r1',
          name: '',
          enabled: 1,
          position: 0,
          watchers: JSON.stringify([{ type: 'any', value: '' }]),
          policy,
        })
        .execute();
    });
  const next = async (agent: UserAgent = bob): Promise<string> => {
    const { state, presence }: Heard = await agent.next();
    return `${state} ${presence}`.trim();
  };
  const after = async (change: Promise<void>): Promise<string> => {
    await change;
    await world.settle();
    return await next();
  };

  it('is judged when somebody subscribes', async () => {
    await using eve = await openUserAgent(world, 'eve@other.example');
    await rule('block');
    await world.settle();
    assert.equal((await bob.subscribe('alice')).response.status, 403);
    await rule('polite-block');
    assert.equal((await bob.subscribe('alice')).response.status, 200);
    assert.equal(await next(), 'active UNAVAILABLE');
    // The user's own clients see everything.
    await alice.subscribe('alice');
    assert.equal(await next(alice), 'active BUSY');
    await rule(undefined);
    assert.equal((await eve.subscribe('alice')).response.status, 200);
    assert.equal(await next(eve), 'pending');
  });

  it('politely blocked sees just what one sees of somebody who says nothing', async () => {
    await rule('polite-block');
    await bob.subscribe('alice');
    await bob.subscribe('carol');
    const texts = [await bob.next(), await bob.next()].map(({ request }) => request.body.toString('utf8'));
    assert.equal(texts[0], texts[1]?.replaceAll('carol', 'alice').replaceAll('CAROL', 'ALICE'));
  });

  it('is judged again when list, rules or privacy change', async () => {
    await bob.subscribe('alice');
    assert.equal(await next(), 'active BUSY');
    assert.equal(await after(rule('polite-block')), 'active UNAVAILABLE');
    assert.equal(await after(acl(bob.address, 'allow')), 'active BUSY');
    assert.equal(await after(acl(bob.address, 'deny')), 'terminated;rejected');
    assert.equal((await bob.subscribe('alice')).response.status, 403);
    await acl(bob.address, 'allow');
    await rule(undefined);
    assert.equal((await bob.subscribe('alice')).response.status, 200);
    assert.equal(await next(), 'active BUSY');
    await world.test.ids.transaction('client', async (trx) => {
      await trx.deleteFrom('peuriacl').execute();
    });
    assert.equal(await after(world.setProperty('alice', 'Privacy.Internal', 'ask')), 'pending');
    assert.equal(await after(world.setProperty('alice', 'Privacy.Internal', 'allow')), 'active BUSY');
    assert.equal(await after(world.setProperty('alice', 'Privacy.Internal', 'deny')), 'terminated;rejected');
  });

  it('of another domain waits until the user answers, or takes the watcher as a contact', async () => {
    await using eve = await openUserAgent(world, 'eve@other.example');
    await eve.subscribe('alice');
    assert.equal(await next(eve), 'pending');
    await world.addContact('alice', eve.address);
    await world.settle();
    assert.equal(await next(eve), 'active BUSY');
    await world.test.ids.transaction('client', async (trx) => {
      await trx.deleteFrom('rosteritem').execute();
    });
    await world.settle();
    assert.equal(await next(eve), 'pending');
    await acl('other.example', 'allow', 'domain');
    await world.settle();
    assert.equal(await next(eve), 'active BUSY');
  });

  it('is bounded by what the administrator allows', async () => {
    await bob.subscribe('alice');
    assert.equal(await next(), 'active BUSY');
    await world.configure({ authorizeWithoutPrompt: false });
    assert.equal(await next(), 'pending');
    await acl(bob.address, 'allow');
    await world.settle();
    assert.equal(await next(), 'active BUSY');
    await world.configure({ availabilitySharing: false });
    assert.equal(await next(), 'terminated;rejected');
    assert.equal((await bob.subscribe('alice')).response.status, 403);
    await alice.subscribe('alice');
    assert.equal(await next(alice), 'active BUSY');
  });
});
