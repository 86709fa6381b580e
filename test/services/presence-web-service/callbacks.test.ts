import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createCallbackTargets } from '../../../src/services/presence-web-service/callbacks/callback-target.ts';
import { callbackUrl } from '../../../src/services/presence-web-service/callbacks/notifier.ts';
import { testCertificates } from '../../support/test-certificates.ts';
import { type CallbackReceiver, openReceiver } from './callback-receiver.ts';
import { DOMAIN, openPwsWorld, type PwsWorld, statesOf, type WorldOptions } from './pws-world.ts';

const BOB = `bob@${DOMAIN}`;

describe('callbacks', () => {
  let world: PwsWorld;
  let receiver: CallbackReceiver;
  let application: string;
  let alice: string;
  let bob: string;
  let endPoint: number;

  const open = async (options: WorldOptions = {}): Promise<void> => {
    world = await openPwsWorld(options);
    application = await world.signInApplication();
    alice = await world.signIn('alice', application);
    bob = await world.signIn('bob', application);
    endPoint = await world.register(application, receiver.url);
  };
  beforeEach(async () => {
    receiver = await openReceiver();
    await open();
  });
  afterEach(async () => {
    await world[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
  });

  const subscribe = (...contacts: readonly string[]): Promise<number> =>
    world.subscribe(alice, 'alice', endPoint, contacts);
  const fetchSubscribed = async (id: number): Promise<string[]> =>
    statesOf((await world.rest('GET', `/users/alice/presence/basic/subscriptions/${id}`, { key: alice })).text);
  /** Callbacks counted by their outcome. */
  const outcomes = async (outcome: string): Promise<number> => {
    const text = await world.test.metrics.render();
    return Number(new RegExp(`pws_callbacks_total\\{outcome="${outcome}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
  };
  const until = async (outcome: string, count: number): Promise<void> => {
    while ((await outcomes(outcome)) < count) await new Promise((resolve) => setImmediate(resolve));
  };

  it('call at once for a new subscription, with the two parameters in their order', async () => {
    const id = await subscribe(BOB);
    assert.equal(await receiver.next(), `GET /notify?id=${id}&eventType=PRESENCE_NOTIFICATION`);
  });

  it('hold further changes until the client has fetched, which holds them; later ones call again', async () => {
    const id = await subscribe(BOB);
    await receiver.next();
    await until('done', 1);
    await world.setBasic(bob, 'bob', 'AWAY');
    await world.setBasic(bob, 'bob', 'BUSY');
    assert.deepEqual(await fetchSubscribed(id), ['BUSY']);
    await world.settle();
    assert.equal(receiver.untaken, 0);
    await world.setBasic(bob, 'bob', 'AVAILABLE');
    await receiver.next();
    assert.deepEqual(await fetchSubscribed(id), ['AVAILABLE']);
    await world.settle();
    assert.equal(receiver.untaken, 0);
  });

  it('call when the administrator allows otherwise, and show what is allowed', async () => {
    const set = (name: string, value: string): Promise<void> =>
      world.test.ids.transaction('administrator', async (trx) => {
        const key = { node: '', service: 'presence-engine', name };
        await trx.deleteFrom('serviceparameter').where('name', '=', name).execute();
        await trx
          .insertInto('serviceparameter')
          .values({ ...key, value })
          .execute();
      });
    await world.setBasic(bob, 'bob', 'BUSY');
    const id = await subscribe(BOB);
    await receiver.next();
    assert.deepEqual(await fetchSubscribed(id), ['BUSY']);
    for (const [name, value, expected] of [
      ['AvailabilitySharing', 'false', 'UNAVAILABLE'],
      ['AvailabilitySharing', 'true', 'BUSY'],
      ['authorizeWithoutPrompt', 'false', 'UNAVAILABLE'],
      ['authorizeWithoutPrompt', 'nonsense', 'BUSY'],
    ] as const) {
      await set(name, value);
      await receiver.next();
      assert.deepEqual(await fetchSubscribed(id), [expected], `${name} ${value}`);
    }
    await set('maximumWatchers', '5');
    await world.settle();
    assert.equal(receiver.untaken, 0);
  });

  it('let a client fetch from inside its own callback', async () => {
    let fetched: Promise<string[]> | undefined;
    receiver.answer((response) => {
      fetched = fetchSubscribed(1).finally(() => response.end());
    });
    await subscribe(BOB);
    await receiver.next();
    assert.deepEqual(await fetched, ['UNAVAILABLE']);
    await until('done', 1);
    await world.setBasic(bob, 'bob', 'AWAY');
    await receiver.next();
    assert.deepEqual(await fetched, ['AWAY']);
  });

  it('tell of a change after the fetch while the callback itself is still running', async () => {
    const held: ServerResponse[] = [];
    receiver.answer((response) => void held.push(response));
    const id = await subscribe(BOB);
    await receiver.next();
    await fetchSubscribed(id);
    await world.setBasic(bob, 'bob', 'AWAY');
    await world.settle();
    assert.equal(receiver.untaken, 0);
    receiver.answer((response) => void response.end());
    held[0]?.end();
    await receiver.next();
    assert.deepEqual(await fetchSubscribed(id), ['AWAY']);
  });

  it('tell of expiry, of contacts added, and not of who cannot be seen', async () => {
    const id = await subscribe(BOB);
    await receiver.next();
    await world.setBasic(bob, 'bob', 'AWAY');
    await fetchSubscribed(id);
    await until('done', 1);
    await world.clock.advance(1_000);
    await world.rest('PUT', `/users/alice/subscriptions/${id}`, { key: alice, expiry: 86_400 });
    await world.clock.advance(3_600_000);
    await receiver.next();
    assert.deepEqual(await fetchSubscribed(id), ['UNAVAILABLE']);
    await until('done', 2);

    await world.test.ids.transaction('client', async (trx) => {
      const entry = { fkenduser: 'pkid-bob', watcher: `alice@${DOMAIN}`, type: 'user', policy: 'deny' } as const;
      await trx.insertInto('peuriacl').values(entry).execute();
    });
    await world.settle();
    // That the permission is gone is news; what is done behind it is not.
    await receiver.next();
    await fetchSubscribed(id);
    await until('done', 3);
    await world.setBasic(bob, 'bob', 'BUSY');
    await world.settle();
    assert.equal(receiver.untaken, 0);

    const list = `<subscription><contactsList><contact contactURI="carol@${DOMAIN}"/></contactsList></subscription>`;
    await world.rest('PUT', `/users/alice/subscriptions/${id}`, { key: alice, body: list });
    await receiver.next();
  });

  it('tell who comes onto a contact list or goes off it, if that is what lets them see', async () => {
    const property = { fkenduser: 'pkid-bob', name: 'Privacy.Internal', value: 'deny' };
    const contact = (pkid: string, contactuser: string) => ({
      ...{ pkid, fkenduser: 'pkid-bob', contactuser, contactdomain: DOMAIN },
      ...{ nickname: '', presenceaware: 1, subscription: 'none', ask: 0 },
    });
    const add = (pkid: string, user: string): Promise<void> =>
      world.test.ids.transaction('client', async (trx) => {
        await trx.insertInto('rosteritem').values(contact(pkid, user)).execute();
      });
    const remove = (pkid: string): Promise<void> =>
      world.test.ids.transaction('client', async (trx) => {
        await trx.deleteFrom('rosteritem').where('pkid', '=', pkid).execute();
      });
    let done = 0;
    const isCalled = async (id: number, state: string): Promise<void> => {
      await receiver.next();
      done += 1;
      await until('done', done);
      assert.deepEqual(await fetchSubscribed(id), [state]);
    };
    const isNotCalled = async (): Promise<void> => {
      await world.settle();
      assert.equal(receiver.untaken, 0);
      assert.equal(receiver.calls.length, done);
    };
    await world.setBasic(bob, 'bob', 'BUSY');
    const id = await subscribe(BOB);
    await isCalled(id, 'BUSY');
    // Everybody may see: the list changes nothing.
    await add('r0', 'Alice');
    await isNotCalled();
    await remove('r0');
    await isNotCalled();

    await world.test.ids.transaction('client', async (trx) => {
      await trx.insertInto('enduserproperty').values(property).execute();
    });
    await isCalled(id, 'UNAVAILABLE');
    await add('r1', 'carol');
    await isNotCalled();
    await add('r2', 'Alice');
    await isCalled(id, 'BUSY');
    await remove('r1');
    await isNotCalled();
    await remove('r2');
    await isCalled(id, 'UNAVAILABLE');
    await isNotCalled();
  });

  it('try again after 1, 5 and 30 s, then wait for the next change', async () => {
    receiver.answer((response) => void response.writeHead(500).end());
    const id = await subscribe(BOB);
    await receiver.next();
    for (const [count, pause] of [
      [1, 1_000],
      [2, 5_000],
      [3, 30_000],
    ] as const) {
      await until('failed', count);
      await world.clock.advance(pause - 1);
      assert.equal(receiver.untaken, 0);
      await world.clock.advance(1);
      await receiver.next();
    }
    await until('given-up', 1);
    await world.clock.advance(600_000);
    assert.equal(receiver.untaken, 0);
    receiver.answer((response) => void response.writeHead(204).end());
    await world.setBasic(bob, 'bob', 'AWAY');
    await receiver.next();
    assert.deepEqual(await fetchSubscribed(id), ['AWAY']);
  });

  it('are not tried again when the client has fetched in the pause', async () => {
    receiver.answer((response) => void response.writeHead(503).end());
    const id = await subscribe(BOB);
    await receiver.next();
    await until('failed', 1);
    await fetchSubscribed(id);
    await world.clock.advance(60_000);
    assert.equal(receiver.untaken, 0);
  });

  it('give up on an application that does not answer in 5 s, hangs up or is not there', async () => {
    receiver.answer(() => undefined);
    await subscribe(BOB);
    await receiver.next();
    await world.clock.advance(5_000);
    await until('failed', 1);
    receiver.answer((response) => void response.socket?.destroy());
    await world.clock.advance(1_000);
    await receiver.next();
    await until('failed', 2);
    await receiver[Symbol.asyncDispose]();
    await world.clock.advance(5_000);
    await until('failed', 3);
    await world.clock.advance(30_000);
    await until('given-up', 1);
    receiver = await openReceiver();
  });

  it('do not follow redirects, and do not care for the answer', async () => {
    const elsewhere = await openReceiver();
    receiver.answer((response) => void response.writeHead(302, { location: elsewhere.url }).end());
    await subscribe(BOB);
    await receiver.next();
    await until('failed', 1);
    assert.equal(elsewhere.calls.length, 0);
    await elsewhere[Symbol.asyncDispose]();
    receiver.answer((response) => {
      // More than anybody wants to read: it is cut off, and counts as done.
      response.on('error', () => undefined);
      response.write(Buffer.alloc(1024 * 1024));
    });
    await world.clock.advance(1_000);
    await receiver.next();
    await until('done', 1);
  });

  it('of a slow application hold up nobody else, and only so many run at once', async () => {
    await world[Symbol.asyncDispose]();
    await open({ options: { callbacksPerEndpoint: 2, maxCallbacks: 3 } });
    const held: ServerResponse[] = [];
    receiver.answer((response) => void held.push(response));
    for (let count = 0; count < 6; count += 1) await subscribe(BOB);
    await receiver.next();
    await receiver.next();
    await world.settle();
    assert.equal(receiver.calls.length, 2);
    await using quick = await openReceiver();
    endPoint = await world.register(application, quick.url);
    await subscribe(BOB);
    await quick.next();
    receiver.answer((response) => void response.end());
    for (const each of held) each.end();
    for (let count = 0; count < 4; count += 1) await receiver.next();
    await until('done', 7);
  });

  it('end with the subscription, also while they run', async () => {
    receiver.answer(() => undefined);
    const id = await subscribe(BOB);
    await receiver.next();
    await world.rest('DELETE', `/users/alice/subscriptions/${id}`, { key: alice });
    await world.clock.advance(60_000);
    assert.equal(receiver.calls.length, 1);
    assert.equal(await outcomes('failed'), 0);
  });

  it('survive a restart of the service: endpoints and subscriptions stay, and all are told', async () => {
    const id = await subscribe(BOB);
    await receiver.next();
    await fetchSubscribed(id);
    await world.restart();
    await receiver.next();
    assert.deepEqual(await fetchSubscribed(id), ['UNAVAILABLE']);
    // What hung on a session that ended meanwhile is gone.
    await world.stop();
    for (const session of await world.loginDatastore.sessionsOfUser('enduser', 'pkid-alice')) {
      await world.loginDatastore.end(session);
    }
    await world.restart();
    assert.equal((await world.presenceDatastore.watchersOf(BOB, 'presence')).length, 0);
    assert.match(world.service.detail(), /1 endpoint and 0 subscriptions/);
  });

  it('verify the certificate of an application with HTTPS', async () => {
    const { ca, tls, issue } = await testCertificates();
    for (const [authority, certificate, isGood] of [
      [ca, tls, true],
      [undefined, tls, false],
      [ca, await issue(['other.example']), false],
    ] as const) {
      await world[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
      receiver = await openReceiver(certificate);
      await open(authority === undefined ? {} : { ca: authority });
      await subscribe(BOB);
      if (isGood) await receiver.next();
      else await until('failed', 1);
      assert.equal(receiver.calls.length, isGood ? 1 : 0);
    }
  });

  it('go only where they may, judged after the name is resolved', async () => {
    await world[Symbol.asyncDispose]();
    await receiver[Symbol.asyncDispose]();
    receiver = await openReceiver(undefined, 'localhost');
    await open({ options: { callbackNetworks: ['10.0.0.0/8'] } });
    await subscribe(BOB);
    await until('failed', 1);
    assert.equal(receiver.calls.length, 0);
  });
});

describe('the callback URL', () => {
  it('gets its parameters behind what is there, and loses its fragment', () => {
    const end = 'id=7&eventType=PRESENCE_NOTIFICATION';
    for (const [url, wanted] of [
      ['http://a/x', `http://a/x?${end}`],
      ['http://a/x?y=1', `http://a/x?y=1&${end}`],
      ['http://a/x#part', `http://a/x?${end}`],
      ['http://a/x?y=%20#part?', `http://a/x?y=%20&${end}`],
    ] as const) {
      assert.equal(callbackUrl(url, 7), wanted);
    }
  });
});

describe('targets of callbacks', () => {
  it('are all but link-local ones and those of cloud metadata', () => {
    const targets = createCallbackTargets([]);
    for (const address of ['127.0.0.1', '::1', '10.1.2.3', '203.0.113.1', '2001:db8::1', '::ffff:127.0.0.1']) {
      assert.ok(targets.isAllowed(address), address);
    }
    for (const address of [
      '169.254.169.254',
      '169.254.0.1',
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      'fe80::1',
      'fe80::1%eth0',
      'febf::1',
      'fd00:ec2::254',
      '100.100.100.200',
      '168.63.129.16',
      'localhost',
      '',
    ]) {
      assert.ok(!targets.isAllowed(address), address);
    }
  });

  it('are those of the configuration where it names some, and still never link-local', () => {
    const targets = createCallbackTargets(['10.0.0.0/8', '2001:db8::/32', '192.0.2.7', '169.254.0.0/16']);
    for (const address of ['10.1.2.3', '2001:db8::1', '192.0.2.7']) assert.ok(targets.isAllowed(address), address);
    for (const address of ['127.0.0.1', '192.0.2.8', '169.254.1.1']) assert.ok(!targets.isAllowed(address), address);
  });
});
