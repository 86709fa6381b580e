import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { PRESENCE_EVENT } from '../../../src/presence/publication.ts';
import { until } from '../../rpc/support/until.ts';
import { turn } from '../../support/fake-clock.ts';
import { DOMAIN, type EngineWorld, openEngineWorld, pkidOf } from './engine-world.ts';
import { openUserAgent, pidf, type UserAgent } from './user-agent.ts';

const ALICE = `alice@${DOMAIN}`;
const watchers = async (world: EngineWorld): Promise<number> =>
  (await world.presenceDatastore.watchersOf(ALICE, PRESENCE_EVENT)).length;

for (const transport of ['UDP', 'TCP'] as const) {
  describe(`SUBSCRIBE for presence over ${transport} (RFC 6665, 3856)`, () => {
    let world: EngineWorld;
    let alice: UserAgent;
    let bob: UserAgent;
    beforeEach(async () => {
      world = await openEngineWorld();
      alice = await openUserAgent(world, 'alice', transport);
      bob = await openUserAgent(world, 'bob', transport);
    });
    afterEach(async () => {
      await alice[Symbol.asyncDispose]();
      await bob[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    });

    it('answers with the state at once, and tells every change', async () => {
      const { response } = await bob.subscribe('alice', [['Expires', '600']]);
      assert.deepEqual([response.status, response.headers.text('expires')], [200, '600']);
      assert.match(response.headers.text('contact') ?? '', transport === 'TCP' ? /;transport=tcp>$/ : /:\d+>$/);
      const first = await bob.next();
      assert.deepEqual([first.state, first.presence], ['active', 'UNAVAILABLE']);
      assert.equal(first.request.headers.text('event'), 'presence');
      assert.equal(first.request.headers.get('subscription-state')?.params.get('expires'), '600');
      assert.match(first.request.body.toString(), /<display-name [^>]*>ALICE<\/display-name>/);
      assert.equal(await watchers(world), 1);

      await world.clock.advance(2_000);
      await alice.publish(pidf('alice', 'busy', 'open', 'deep in work'));
      const second = await bob.next();
      assert.deepEqual([second.state, second.presence], ['active', 'BUSY']);
      assert.match(second.request.body.toString(), /<dm:note>deep in work<\/dm:note>/);
      assert.equal(second.request.headers.get('subscription-state')?.params.get('expires'), '598');
    });

    it('is renewed with the whole state, and ended with a last word', async () => {
      const watch = await bob.subscribe('alice', [['Expires', '600']]);
      await bob.next();
      await world.clock.advance(500_000);
      assert.equal((await watch.refresh(600)).status, 200);
      const again = await bob.next();
      assert.deepEqual([again.state, again.presence], ['active', 'UNAVAILABLE']);
      await world.clock.advance(500_000);
      assert.equal(await watchers(world), 1);

      const ended = await watch.refresh(0);
      assert.deepEqual([ended.status, ended.headers.text('expires')], [200, '0']);
      const last = await bob.next();
      assert.deepEqual([last.state, last.presence], ['terminated;timeout', 'UNAVAILABLE']);
      assert.equal(await watchers(world), 0);
      assert.equal((await watch.refresh(600)).status, 481);
    });

    it('expires with a last word', async () => {
      const watch = await bob.subscribe('alice', [['Expires', '60']]);
      await bob.next();
      await world.clock.advance(61_000);
      assert.equal((await bob.next()).state, 'terminated;timeout');
      assert.equal(await watchers(world), 0);
      assert.equal((await watch.refresh(600)).status, 481);
    });

    it('fetches once (Expires: 0)', async () => {
      await alice.publish(pidf('alice', 'away'));
      const { response } = await bob.subscribe('alice', [['Expires', '0']]);
      assert.equal(response.headers.text('expires'), '0');
      const only = await bob.next();
      assert.deepEqual([only.state, only.presence], ['terminated;timeout', 'AWAY']);
      assert.equal(await watchers(world), 0);
    });
  });
}

describe('a subscription', () => {
  let world: EngineWorld;
  let alice: UserAgent;
  let bob: UserAgent;
  const open = async (wanted: Parameters<typeof openEngineWorld>[0] = {}): Promise<void> => {
    world = await openEngineWorld(wanted);
    alice = await openUserAgent(world, 'alice');
    bob = await openUserAgent(world, 'bob');
  };
  afterEach(async () => {
    await alice[Symbol.asyncDispose]();
    await bob[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  const refusals: readonly (readonly [string, readonly (readonly [string, string])[], string, string])[] = [
    ['another event package', [['Event', 'dialog']], 'alice', '489'],
    ['a life that is too short', [['Expires', '10']], 'alice', '423'],
    ['a format that we do not write', [['Accept', 'text/plain']], 'alice', '406'],
    ['an unknown extension', [['Require', 'nothing']], 'alice', '420'],
    ['somebody who is not there', [], 'nobody', '404'],
    ['somebody of another domain', [], 'x@other.example', '404'],
    ['somebody of another node', [], 'olga', '480'],
    ["somebody else's contact list", [['Supported', 'eventlist']], 'alice-contacts', '403'],
    ['a contact list without being able to read one', [], 'bob-contacts', '421'],
  ];
  for (const [what, headers, user, status] of refusals) {
    it(`is refused for ${what} with ${status}`, async () => {
      await open();
      const event = headers.some(([name]) => name === 'Event') ? [] : ([['Event', 'presence']] as const);
      const answer = await bob.send('SUBSCRIBE', user, [...event, ...headers]);
      assert.equal(String(answer.status), status);
      if (status === '423') assert.equal(answer.headers.text('min-expires'), '60');
    });
  }

  it('is dropped when its watcher is gone: 481, or silence', async () => {
    await open();
    await bob.subscribe('alice');
    await bob.next();
    bob.answer = () => ({ status: 481 });
    await world.clock.advance(2_000);
    await alice.publish(pidf('alice', 'busy'));
    await bob.next();
    while ((await watchers(world)) > 0) await turn();

    bob.answer = undefined;
    await bob.subscribe('alice');
    await bob.next();
    assert.equal(await watchers(world), 1);
    await bob.sip.scope.close();
    await alice.publish(pidf('alice', 'away'));
    await world.clock.advance(60_000);
    assert.equal(await watchers(world), 0);
    assert.deepEqual((await world.metric('NotifiesSent')).map((line) => line.replace('NotifiesSent', '')).sort(), [
      '{outcome="done"} 2',
      '{outcome="failed"} 2',
    ]);
  });

  it('is told again after Retry-After', async () => {
    await open();
    await bob.subscribe('alice');
    await bob.next();
    bob.answer = () => ({ status: 503, retryAfter: 20 });
    await world.clock.advance(2_000);
    await alice.publish(pidf('alice', 'busy'));
    await bob.next();
    bob.answer = undefined;
    while (!(await world.metric('NotifiesSent')).some((line) => line.includes('later'))) await turn();
    await world.clock.advance(19_000);
    assert.equal(bob.unread.length, 0);
    await world.clock.advance(2_000);
    assert.equal((await bob.next()).presence, 'BUSY');
    assert.equal(await watchers(world), 1);
  });

  it('is told changes not more often than the interval, and then the latest state only', async () => {
    await open({ options: { notifyIntervalSeconds: 5 } });
    await bob.subscribe('alice');
    await bob.next();
    await world.clock.advance(5_000);
    const first = await alice.publish(pidf('alice', 'busy'));
    assert.equal((await bob.next()).presence, 'BUSY');
    let etag = first.headers.get('sip-etag') ?? '';
    for (const activity of ['away', 'vacation', 'busy', 'away']) {
      const answer = await alice.publish(pidf('alice', activity), [['SIP-If-Match', etag]]);
      etag = answer.headers.get('sip-etag') ?? '';
    }
    await world.clock.advance(4_900);
    assert.equal(bob.unread.length, 0);
    await world.clock.advance(200);
    assert.equal((await bob.next()).presence, 'AWAY');
    // What is as it was is no news.
    await alice.publish(pidf('alice', 'busy'), [['SIP-If-Match', etag]]);
    await world.clock.advance(5_000);
    assert.equal((await bob.next()).presence, 'BUSY');
    await world.clock.advance(60_000);
    assert.equal(bob.unread.length, 0);
  });

  it('is told not more than so many changes a second, of all together', async () => {
    await open({ parameters: { presenceChangesPerSecond: 10 }, options: { notifyIntervalSeconds: 0 } });
    for (let count = 0; count < 25; count += 1) {
      await bob.subscribe('alice');
      await bob.next();
    }
    await alice.publish(pidf('alice', 'busy'));
    for (const told of [10, 20, 25]) {
      await until(() => bob.unread.length >= told);
      await turn();
      assert.equal(bob.unread.length, told);
      await world.clock.advance(1_000);
    }
    assert.ok(bob.unread.every(({ presence }) => presence === 'BUSY'));
  });

  it('is bounded by the watchers of a user, live', async () => {
    await open({ parameters: { maximumWatchers: 1 } });
    await using carol = await openUserAgent(world, 'carol');
    assert.equal((await bob.subscribe('alice')).response.status, 200);
    assert.equal((await bob.subscribe('alice')).response.status, 200);
    assert.equal((await alice.subscribe('alice')).response.status, 200);
    const refused = (await carol.subscribe('alice')).response;
    assert.equal(`${refused.status} ${refused.reason}`, '403 Too Many Watchers');
    await world.configure({ maximumWatchers: 0 });
    assert.equal((await carol.subscribe('alice')).response.status, 200);
  });

  it('to a stranger is ad hoc: allowed or not, bounded, and over in time whatever the watcher does', async () => {
    await open({ parameters: { adHocMaximum: 1, adHocSeconds: 100 } });
    await world.addContact('bob', `carol@${DOMAIN}`);
    const watch = await bob.subscribe('alice');
    assert.equal(watch.response.headers.text('expires'), '100');
    await bob.next();
    assert.equal((await alice.subscribe('bob')).response.status, 503);
    assert.equal((await bob.subscribe('carol')).response.headers.text('expires'), '3600');
    await bob.next();
    await world.clock.advance(60_000);
    assert.equal((await watch.refresh(600)).headers.text('expires'), '40');
    await bob.next();
    await world.clock.advance(41_000);
    assert.equal((await bob.next()).state, 'terminated;timeout');
    await world.configure({ adHocSubscriptions: false });
    const refused = (await bob.subscribe('alice')).response;
    assert.equal(`${refused.status} ${refused.reason}`, '403 Not on the Contact List');
    assert.equal((await bob.subscribe('carol')).response.status, 200);
  });

  it('is refused with 503 above the watermarks, with an alarm, and taken again below them', async () => {
    await open();
    const alarms = (): string[] => world.test.alarms.active().map(({ name }) => name);
    const watch = await bob.subscribe('alice');
    for (const [load, alarm] of [
      [{ cpuPercent: 95, memoryPercent: 0 }, 'PELoadHighWaterMark'],
      [{ cpuPercent: 0, memoryPercent: 95 }, 'PEMemoryHigh'],
    ] as const) {
      world.load = load;
      await world.clock.advance(11_000);
      assert.deepEqual(alarms(), [alarm]);
      const refused = (await bob.subscribe('alice')).response;
      assert.deepEqual([refused.status, refused.headers.text('retry-after')], [503, '30']);
      // What is there already goes on.
      assert.equal((await watch.refresh(600)).status, 200);
      world.load = { cpuPercent: 85, memoryPercent: 85 };
      await world.clock.advance(2_000);
      assert.deepEqual(alarms(), [alarm]);
      world.load = { cpuPercent: 50, memoryPercent: 50 };
      await world.clock.advance(2_000);
      assert.deepEqual(alarms(), []);
    }
    assert.equal((await bob.subscribe('alice')).response.status, 200);
    assert.deepEqual(await world.metric('HighWaterMark'), ['HighWaterMark 50']);
  });

  it('outlives a restart of the service, and is told what it has missed', async () => {
    await open();
    await bob.subscribe('alice');
    await bob.next();
    await world.clock.advance(2_000);
    await world.restart();
    await bob.next();
    await world.clock.advance(2_000);
    await world.publish({
      presentity: ALICE,
      source: 'test',
      document: {
        entity: '',
        person: null,
        tuples: [{ id: 'a', basic: 'open', contact: null, abilities: [], userInput: '', source: '', note: '' }],
      },
    });
    assert.equal((await bob.next()).presence, 'AVAILABLE');
    assert.deepEqual(await world.metric('ActiveSubscriptions'), ['ActiveSubscriptions 1']);
  });

  it('ends when its user leaves the node: moved or gone', async () => {
    await open();
    await bob.subscribe('alice');
    await bob.next();
    await alice.subscribe('bob');
    await alice.next();
    await world.clock.advance(2_000);
    const change = (userid: string, set: { primarynodeid?: number; enablecups?: number }): Promise<void> =>
      world.test.ids.transaction('cucm', async (trx) => {
        await trx.updateTable('enduser').set(set).where('pkid', '=', pkidOf(userid)).execute();
      });
    await change('alice', { primarynodeid: 2 });
    await world.settle();
    await world.clock.advance(10_000);
    const moved = await bob.next();
    assert.deepEqual([moved.state, moved.presence], ['terminated;probation', 'UNAVAILABLE']);
    assert.equal(moved.request.headers.get('subscription-state')?.params.get('retry-after'), '30');
    await change('bob', { enablecups: 0 });
    await world.settle();
    await world.clock.advance(10_000);
    const gone = await alice.next();
    assert.deepEqual([gone.state, gone.presence], ['terminated;noresource', 'UNAVAILABLE']);
    while ((await watchers(world)) > 0) await turn();
  });
});
