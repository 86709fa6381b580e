import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setSipCredentials } from '../../../src/sign-in/sip-credentials.ts';
import { until } from '../../rpc/support/until.ts';
import { contactsOf, openUserAgent } from './user-agent.ts';
import { openProxyWorld } from './world.ts';

describe('the registrar', () => {
  for (const transport of ['UDP', 'TCP', 'TLS'] as const) {
    it(`registers with digest, refreshes and de-registers over ${transport}`, async () => {
      await using world = await openProxyWorld();
      await using alice = await openUserAgent(world, 'alice', { transport });
      const asked = await alice.sendOnce(alice.request('REGISTER', { headers: [['Contact', `<${alice.contact}>`]] }));
      assert.equal(asked.status, 401);
      assert.deepEqual(
        asked.headers.list('www-authenticate').map(({ params }) => `${params.get('realm')} ${params.get('algorithm')}`),
        ['acme.example MD5', 'acme.example SHA-256'],
      );
      const made = await alice.register();
      assert.equal(made.status, 200);
      assert.deepEqual(contactsOf(made), [alice.contact]);
      assert.match(made.headers.text('contact') ?? '', /;expires=3600$/);
      await world.clock.advance(600_000);
      assert.match((await alice.register([])).headers.text('contact') ?? '', /;expires=3000$/);
      assert.match((await alice.register()).headers.text('contact') ?? '', /;expires=3600$/);
      const gone = await alice.register([['Contact', `<${alice.contact}>;expires=0`]]);
      assert.deepEqual([gone.status, contactsOf(gone)], [200, []]);
      assert.equal(await world.registrations.size(), 0);
      assert.equal(await world.counter('SIPClientRegistered'), 4);
    });
  }

  it('lets a registration expire', async () => {
    await using world = await openProxyWorld();
    await using alice = await openUserAgent(world, 'alice');
    const expired: string[] = [];
    using _watch = world.registrations.watch(({ kind, binding }) => expired.push(`${kind} ${binding.address}`));
    await alice.register([
      ['Contact', `<${alice.contact}>`],
      ['Expires', '120'],
    ]);
    await world.clock.advance(121_000);
    assert.deepEqual(expired, ['registered alice@acme.example', 'expired alice@acme.example']);
  });

  it('keeps several contacts with their quality, and takes all away by a star', async () => {
    await using world = await openProxyWorld();
    await using alice = await openUserAgent(world, 'alice');
    await alice.register([['Contact', '<sip:one@10.0.0.1>;q=0.5, <sip:two@10.0.0.2>']]);
    const both = await alice.register([['Contact', '<sip:three@10.0.0.3>;q=0;expires=90']]);
    assert.deepEqual(contactsOf(both).sort(), ['sip:one@10.0.0.1', 'sip:three@10.0.0.3', 'sip:two@10.0.0.2']);
    assert.match(both.headers.texts('contact').join(' '), /three@10\.0\.0\.3>;q=0;expires=90/);
    assert.equal((await alice.register([['Contact', '*']])).status, 400, 'without Expires: 0');
    const none = await alice.register([
      ['Contact', '*'],
      ['Expires', '0'],
    ]);
    assert.deepEqual([none.status, contactsOf(none)], [200, []]);
  });

  it('says what it refuses', async () => {
    await using world = await openProxyWorld({ options: { contactsPerUser: 2 } });
    await using alice = await openUserAgent(world, 'alice');
    const contact = ['Contact', `<${alice.contact}>`] as const;
    const brief = await alice.register([contact, ['Expires', '10']]);
    assert.deepEqual([brief.status, brief.headers.text('min-expires')], [423, '60']);
    const extension = await alice.register([contact, ['Require', 'gruu']]);
    assert.deepEqual([extension.status, extension.headers.text('unsupported')], [420, 'gruu']);
    const path = await alice.register([contact, ['Path', '<sip:edge@10.0.0.9;lr>']]);
    assert.equal(path.status, 420);
    assert.equal((await alice.register([['Contact', '<mailto:alice@acme.example>']])).status, 400);
    assert.equal((await alice.register([['Contact', `<${alice.contact}>;q=2`]])).status, 400);
    const many = await alice.register([['Contact', '<sip:a@10.0.0.1>, <sip:a@10.0.0.2>, <sip:a@10.0.0.3>']]);
    assert.equal(many.status, 403);
    assert.equal(await world.registrations.size(), 0, 'all or nothing');
    await alice.register([contact], { callId: 'same', cseq: 7 });
    assert.equal((await alice.register([contact], { callId: 'same', cseq: 8 })).status, 200);
    const old = await alice.register([contact], { callId: 'same', cseq: 8 });
    assert.deepEqual([old.status, old.reason], [400, 'CSeq Out of Order']);
  });

  it('lets nobody register who is not that user', async () => {
    await using world = await openProxyWorld({
      users: [{ userid: 'alice' }, { userid: 'bob' }, { userid: 'mallory', enablecups: 0 }],
    });
    await using alice = await openUserAgent(world, 'alice');
    const contact = [['Contact', `<${alice.contact}>`]] as const;
    assert.equal((await alice.register(contact, { to: 'sip:bob@acme.example' })).status, 403);
    await using wrong = await openUserAgent(world, 'alice', { password: 'wrong' });
    assert.equal((await wrong.register()).status, 403);
    await using nobody = await openUserAgent(world, 'nobody');
    assert.equal((await nobody.register()).status, 403);
    await using mallory = await openUserAgent(world, 'mallory');
    assert.equal((await mallory.register()).status, 404, 'not enabled');
    assert.equal((await alice.register(contact, { uri: 'sip:other.example' })).status, 404, 'another domain');
    for (let turn = 0; turn < 19; turn += 1) await wrong.register();
    assert.equal((await alice.register()).status, 403, 'too many wrong passwords');
    await world.clock.advance(61_000);
    assert.equal((await alice.register()).status, 200);
    assert.equal(await world.registrations.size(), 1);
  });

  it('takes a new password as soon as it is set, and keeps no password', async () => {
    await using world = await openProxyWorld();
    await using alice = await openUserAgent(world, 'alice');
    await alice.register();
    await setSipCredentials(world.test.ids, 'administrator', [{ userid: 'alice', password: 'another' }]);
    await world.clock.advance(300);
    await world.test.changeFeed.settled();
    assert.equal((await alice.register()).status, 403);
    await using again = await openUserAgent(world, 'alice', { password: 'another' });
    assert.equal((await again.register()).status, 200);
    const row = await world.test.ids.read
      .selectFrom('sipcredential')
      .selectAll()
      .where('userid', '=', 'alice')
      .execute();
    const log = await world.test.ids.read
      .selectFrom('change_log')
      .selectAll()
      .where('tbl', '=', 'sipcredential')
      .execute();
    assert.doesNotMatch(JSON.stringify(row), /another/);
    for (const secret of [row[0]?.ha1md5, row[0]?.ha1sha256]) {
      assert.ok(secret && !JSON.stringify(log).includes(secret));
    }
  });

  it('forgets who has left the node', async () => {
    await using world = await openProxyWorld();
    await using alice = await openUserAgent(world, 'alice');
    await using bob = await openUserAgent(world, 'bob');
    await alice.register();
    await bob.register();
    await world.test.ids.transaction('cucm', (trx) =>
      trx.updateTable('enduser').set({ primarynodeid: 2 }).where('userid', '=', 'alice').execute(),
    );
    await world.clock.advance(300);
    await world.test.changeFeed.settled();
    await world.clock.advance(60_000);
    await until(() => world.registrations.detail() === 'holds 1 registered contact');
    assert.equal((await world.registrations.bindingsOf('bob@acme.example')).length, 1);
  });

  it('takes outbound flows: a flow is known by instance and number, whatever its contact', async () => {
    await using world = await openProxyWorld();
    await using alice = await openUserAgent(world, 'alice', { transport: 'TCP' });
    const contact = (port: number) =>
      [
        ['Contact', `<sip:alice@10.0.0.1:${port};transport=tcp;ob>;reg-id=1;+sip.instance="<urn:uuid:1>"`],
        ['Supported', 'path, outbound'],
      ] as const;
    const made = await alice.register(contact(1));
    assert.deepEqual([made.status, made.headers.text('require')], [200, 'outbound']);
    const again = await alice.register(contact(2));
    assert.deepEqual(contactsOf(again), ['sip:alice@10.0.0.1:2;transport=tcp;ob']);
    await using bob = await openUserAgent(world, 'bob');
    const heard = await bob.send(bob.request('MESSAGE', { uri: 'sip:alice@acme.example', body: 'over the flow' }));
    assert.equal(heard.status, 200);
    assert.equal(alice.heard[0]?.body.toString(), 'over the flow');
  });
});
