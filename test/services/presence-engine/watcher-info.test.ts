import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { attribute, elements, textOf } from '../../../src/xml/element.ts';
import { parseXml } from '../../../src/xml/parse.ts';
import { DOMAIN, type EngineWorld, openEngineWorld, pkidOf } from './engine-world.ts';
import { openUserAgent, type UserAgent } from './user-agent.ts';

const ALICE = `alice@${DOMAIN}`;
const WINFO = ['Event', 'presence.winfo'] as const;

describe('who watches (RFC 3857, 3858)', () => {
  let world: EngineWorld;
  let alice: UserAgent;
  let bob: UserAgent;
  beforeEach(async () => {
    world = await openEngineWorld({ options: { notifyIntervalSeconds: 0 } });
    alice = await openUserAgent(world, 'alice');
    bob = await openUserAgent(world, 'bob');
  });
  afterEach(async () => {
    for (const agent of [alice, bob]) await agent[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  /** `full 0: bob active subscribe` of the next NOTIFY. */
  const next = async (): Promise<string> => {
    const { request } = await alice.next();
    assert.equal(request.headers.get('content-type')?.value, 'application/watcherinfo+xml');
    const root = parseXml(request.body.toString('utf8'));
    const [list] = elements(root, 'watcher-list');
    assert.ok(list);
    assert.deepEqual([attribute(list, 'resource'), attribute(list, 'package')], [`sip:${ALICE}`, 'presence']);
    const watchers = elements(list, 'watcher').map((each) => {
      const user = /^sip:([^@]+)@/.exec(textOf(each))?.[1] ?? '';
      return `${user} ${attribute(each, 'status')} ${attribute(each, 'event')}`;
    });
    const head = `${attribute(root, 'state')} ${attribute(root, 'version')}:`;
    return [head, ...watchers.sort()].join(' ');
  };
  const watch = (headers: readonly (readonly [string, string])[] = []) =>
    alice.send('SUBSCRIBE', 'alice', [WINFO, ...headers]);

  it('is told whole at first, then what has changed', async () => {
    const first = await bob.subscribe('alice');
    await bob.next();
    assert.equal((await watch()).status, 200);
    assert.equal(await next(), 'full 0: bob active subscribe');
    await using carol = await openUserAgent(world, 'carol');
    const second = await carol.subscribe('alice');
    assert.equal(await next(), 'partial 1: carol active subscribe');
    await second.refresh(600);
    await first.refresh(0);
    assert.equal(await next(), 'partial 2: bob terminated timeout');
    await world.clock.advance(600_000);
    assert.equal(await next(), 'partial 3: carol terminated timeout');
    assert.equal(alice.unread.length, 0);
  });

  it('tells who waits for an answer, and what comes of it', async () => {
    await world.configure({ authorizeWithoutPrompt: false });
    await watch();
    assert.equal(await next(), 'full 0:');
    await bob.subscribe('alice');
    assert.equal(await next(), 'partial 1: bob pending subscribe');
    const acl = (policy: 'allow' | 'deny') =>
      world.test.ids.transaction('client', async (trx) => {
        await trx.deleteFrom('peuriacl').execute();
        const entry = { fkenduser: pkidOf('alice'), watcher: bob.address, type: 'user', policy } as const;
        await trx.insertInto('peuriacl').values(entry).execute();
      });
    await acl('allow');
    await world.settle();
    assert.equal(await next(), 'partial 2: bob active approved');
    await acl('deny');
    await world.settle();
    assert.equal(await next(), 'partial 3: bob terminated rejected');
  });

  it('counts watchers of every interface, but not the user', async () => {
    await alice.subscribe('alice');
    await alice.next();
    const dialog = { presentity: ALICE, event: 'presence', watcher: `dave@${DOMAIN}`, dialog: 'pws/1' };
    await world.presenceDatastore.subscribe(dialog, 60_000);
    await watch();
    assert.equal(await next(), 'full 0: dave active subscribe');
    await world.presenceDatastore.subscribe(dialog, 60_000);
    await world.presenceDatastore.endDialog(dialog.watcher, dialog.dialog);
    assert.equal(await next(), 'partial 1: dave terminated timeout');
  });

  it('is for the user alone, as a watcherinfo document, and may be fetched once', async () => {
    assert.equal((await bob.send('SUBSCRIBE', 'alice', [WINFO])).status, 403);
    assert.equal((await watch([['Accept', 'application/pidf+xml']])).status, 406);
    assert.equal((await alice.send('SUBSCRIBE', 'nobody', [WINFO])).status, 404);
    const weather = await alice.send('SUBSCRIBE', 'alice', [['Event', 'weather']]);
    assert.deepEqual([weather.status, weather.headers.text('allow-events')], [489, 'presence, presence.winfo']);
    assert.equal((await watch([['Expires', '0']])).status, 200);
    assert.equal(await next(), 'full 0:');
    await bob.subscribe('alice');
    await bob.next();
    await world.settle();
    assert.equal(alice.unread.length, 0);
  });

  it('ends when the user is served no more', async () => {
    await watch();
    assert.equal(await next(), 'full 0:');
    await world.test.ids.transaction('cucm', async (trx) => {
      await trx.updateTable('enduser').set({ enablecups: 0 }).where('userid', '=', 'alice').execute();
    });
    await world.settle();
    assert.equal((await alice.next()).state, 'terminated;noresource');
  });
});
