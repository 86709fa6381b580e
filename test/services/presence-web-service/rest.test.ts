import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { DOMAIN, idOf, numberOf, openPwsWorld, type PwsWorld, sessionKeyOf, subscriptionBody } from './pws-world.ts';

const PASSWORD = '<session><password>secret</password></session>';
const BOB = `bob@${DOMAIN}`;

describe('the REST face: signing in', () => {
  let world: PwsWorld;
  beforeEach(async () => {
    world = await openPwsWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  it('signs an application user in by password, an end user by its key without a body', async () => {
    const application = await world.rest('POST', '/users/appuser/sessions', { body: PASSWORD });
    assert.equal(application.status, 201);
    assert.equal(application.headers.get('content-type'), 'text/xml; charset=utf-8');
    const key = sessionKeyOf(application);
    const end = await world.rest('POST', '/users/alice/sessions', { key });
    assert.equal(end.status, 201);
    assert.match(end.text, /^<\?xml [^>]*\?><session backupServer="imp2\.acme\.example"><sessionKey>[0-9a-f-]{36}</);
    assert.doesNotMatch(end.text, /xmlns/);
  });

  it('gives the same key every time, and a new one when forced; the old one is dead', async () => {
    const application = await world.signInApplication();
    assert.equal(await world.signInApplication(), application);
    const key = await world.signIn('alice', application);
    assert.equal(await world.signIn('ALICE', application), key);
    const forced = sessionKeyOf(await world.rest('PUT', '/users/alice/session', { key: application }));
    assert.notEqual(forced, key);
    assert.equal(numberOf(await world.setBasic(key, 'alice', 'AWAY')), 101);
    assert.equal((await world.setBasic(forced, 'alice', 'AWAY')).status, 200);
    // Either method on either path: a client that follows a redirect lands on the other one.
    assert.equal((await world.rest('POST', '/users/alice/session', { key: application })).status, 201);
    assert.equal((await world.rest('PUT', '/users/alice/sessions', { key: application })).status, 201);
    const anew = sessionKeyOf(await world.rest('PUT', '/users/appuser/session', { body: PASSWORD }));
    assert.equal(numberOf(await world.rest('POST', '/users/alice/sessions', { key: application })), 114);
    assert.equal((await world.rest('POST', '/users/alice/sessions', { key: anew })).status, 201);
  });

  it('tells each refusal by its number and status', async () => {
    const application = await world.signInApplication();
    const key = await world.signIn('alice', application);
    const body = (password: string): string => `<session><password>${password}</password></session>`;
    const cases: readonly (readonly [number, number, string, { key?: string; body?: string }])[] = [
      [112, 400, 'alice', {}],
      [112, 400, 'alice', { body: '<session/>' }],
      [111, 400, 'appuser', { body: body('') }],
      [113, 404, '', { key: application }],
      [113, 404, 'nobody', { key: application }],
      [114, 400, 'appuser', { body: body('wrong') }],
      [114, 400, 'nobody', { body: body('secret') }],
      [114, 400, 'norole', { body: body('secret') }],
      // An end user's own password is good at the sister service only.
      [114, 400, 'alice', { body: body('secret') }],
      [114, 400, 'alice', { key: 'unknown' }],
      [114, 400, 'alice', { key }],
      [114, 400, 'mallory', { key: application }],
      [114, 400, 'walter', { key: application }],
      [102, 400, 'appuser', { body: '<session>' }],
      [103, 400, 'appuser', { body: '<login><password>secret</password></login>' }],
    ];
    for (const [number, status, user, options] of cases) {
      const answer = await world.rest('POST', `/users/${user}/sessions`, options);
      assert.equal(numberOf(answer), number, `${user} ${JSON.stringify(options)} ${answer.text}`);
      assert.equal(answer.status, status);
    }
  });

  it('redirects the user of another node with 307, keeping the path, and of a peer cluster', async () => {
    const key = await world.signInApplication();
    const answer = await world.rest('POST', '/users/olga/sessions', { key });
    assert.equal(answer.status, 307);
    const port = String(world.port);
    assert.equal(
      answer.headers.get('location'),
      `https://imp2.acme.example:${port}/presence-service/users/olga/session`,
    );
    assert.match(
      answer.text,
      /<session><redirect primaryServer="imp2\.acme\.example" backupServer="imp1\.acme\.example"/,
    );
    const peer = await world.rest('POST', '/users/paul/sessions', { key });
    assert.match(peer.headers.get('location') ?? '', /^https:\/\/imp\.east\.example:/);
  });

  it('refuses a user whom another application has signed in, unless forced', async () => {
    const first = await world.signIn('alice', await world.signInApplication());
    const other = await world.signInApplication('other');
    const refused = await world.rest('POST', '/users/alice/sessions', { key: other });
    assert.equal(numberOf(refused), 160);
    assert.equal(refused.status, 409);
    const forced = sessionKeyOf(await world.rest('PUT', '/users/alice/session', { key: other }));
    assert.equal(numberOf(await world.setBasic(first, 'alice', 'AWAY')), 101);
    assert.equal((await world.setBasic(forced, 'alice', 'AWAY')).status, 200);
  });

  it('logs out with the own key only, and ends what an application has opened', async () => {
    const application = await world.signInApplication();
    const alice = await world.signIn('alice', application);
    const bob = await world.signIn('bob', application);
    assert.equal(numberOf(await world.rest('DELETE', '/users/alice/session')), 100);
    assert.equal(numberOf(await world.rest('DELETE', '/users/alice/session', { key: bob })), 101);
    const out = await world.rest('DELETE', '/users/alice/session', { key: alice });
    assert.deepEqual([out.status, out.text], [200, '']);
    assert.equal(numberOf(await world.rest('DELETE', '/users/alice/session', { key: alice })), 101);
    assert.equal((await world.rest('DELETE', '/users/appuser/session', { key: application })).status, 200);
    assert.equal(numberOf(await world.setBasic(bob, 'bob', 'AWAY')), 101);
  });

  it('shares sessions with the Client Profile Agent, but for those of Jabber', async () => {
    const open = async (clientType: string): Promise<string> => {
      const { key } = await world.loginDatastore.open({
        kind: 'enduser',
        userPkid: 'pkid-alice',
        userid: 'Alice',
        clientType,
        clientVersion: '',
        owner: null,
        homeNodeId: 1,
        password: 'secret',
        force: false,
      });
      return key;
    };
    assert.equal(numberOf(await world.setBasic(await open('CUPC'), 'alice', 'AWAY')), 101);
    assert.equal((await world.setBasic(await open('ThirdClient'), 'alice', 'AWAY')).status, 200);
  });

  it('checks no password for a minute after 20 wrong ones, and says why', async () => {
    const wrong = '<session><password>wrong</password></session>';
    for (let count = 0; count < 20; count += 1) await world.rest('POST', '/users/appuser/sessions', { body: wrong });
    const refused = await world.rest('POST', '/users/appuser/sessions', { body: PASSWORD });
    assert.equal(numberOf(refused), 114);
    assert.match(refused.text, /too many wrong passwords/);
    assert.equal((await world.rest('POST', '/users/other/sessions', { body: PASSWORD })).status, 201);
    await world.clock.advance(60_000);
    assert.equal((await world.rest('POST', '/users/appuser/sessions', { body: PASSWORD })).status, 201);
  });

  it('ends sessions of users who are disabled or moved', async () => {
    const key = await world.signIn('alice', await world.signInApplication());
    await world.test.ids.transaction('cucm', async (trx) => {
      await trx.updateTable('enduser').set({ enablecups: 0 }).where('userid', '=', 'Alice').execute();
    });
    await world.settle();
    assert.equal(numberOf(await world.setBasic(key, 'alice', 'AWAY')), 101);
  });

  it('says "try later" while passwords cannot be checked or the service is stopped', async () => {
    world.isCucmAway = true;
    const away = await world.rest('POST', '/users/appuser/sessions', { body: PASSWORD });
    assert.equal(away.status, 503);
    assert.match(away.headers.get('retry-after') ?? '', /\d/);
    await world.stop();
    const stopped = await world.rest('POST', '/users/appuser/sessions', { body: PASSWORD });
    assert.deepEqual([stopped.status, numberOf(stopped)], [503, 210]);
  });
});

describe('the REST face: endpoints and subscriptions', () => {
  let world: PwsWorld;
  let application: string;
  let alice: string;
  beforeEach(async () => {
    world = await openPwsWorld({ options: { maxEndpoints: 3, maxSubscriptions: 3 } });
    application = await world.signInApplication();
    alice = await world.signIn('alice', application);
  });
  afterEach(() => world[Symbol.asyncDispose]());
  const URL = 'http://127.0.0.1:9/notify';

  it('answers 201 with a Location that ends in the lowest free id', async () => {
    const first = await world.rest('POST', '/endpoints', {
      key: application,
      expiry: 3_600,
      body: `<?xml version="1.0"?>\n<endpoint>\n  <url> ${URL} </url>\n</endpoint>`,
    });
    assert.equal(first.status, 201);
    assert.equal(first.headers.get('location'), `https://127.0.0.1:${world.port}/presence-service/endpoints/1`);
    assert.equal(await world.register(application, URL), 2);
    assert.equal((await world.rest('DELETE', '/endpoints/1', { key: application })).status, 200);
    assert.equal(await world.register(application, URL), 1);
    assert.equal(await world.register(application, URL), 3);
    const full = await world.rest('POST', '/endpoints', {
      key: application,
      expiry: 3_600,
      body: `<endpoint><url>${URL}</url></endpoint>`,
    });
    assert.equal(numberOf(full), 138);
  });

  it('takes the expiry from the header, else from the body, and holds its bounds', async () => {
    const register = (expiry: string | undefined, inBody: string): Promise<Parameters<typeof numberOf>[0]> =>
      world.rest('POST', '/endpoints', {
        key: application,
        ...(expiry === undefined ? {} : { expiry }),
        body: `<endpoint><url>${URL}</url>${inBody}</endpoint>`,
      });
    for (const [expiry, inBody, wanted] of [
      ['3600', '', undefined],
      [undefined, '<expiration>86400</expiration>', undefined],
      ['3599', '<expiration>86400</expiration>', 131],
      ['86401', '', 131],
      ['0', '', 131],
      ['1e4', '', 131],
      ['-3600', '', 131],
      [undefined, '', 131],
      [undefined, '<expiration>x</expiration>', 131],
    ] as const) {
      assert.equal(numberOf(await register(expiry, inBody)), wanted, `${expiry} ${inBody}`);
    }
  });

  it('refuses endpoints that cannot be', async () => {
    const register = (url: string): Promise<Parameters<typeof numberOf>[0]> =>
      world.rest('POST', '/endpoints', { key: application, expiry: 3_600, body: `<endpoint>${url}</endpoint>` });
    for (const [url, wanted] of [
      ['', 130],
      ['<url/>', 130],
      ['<url>  </url>', 130],
      ['<url>http://a b/</url>', 142],
      ['<url>ftp://127.0.0.1/</url>', 130],
      ['<url>file:///etc/passwd</url>', 130],
      ['<url>notify</url>', 130],
      ['<url>http://user:pass@127.0.0.1/</url>', 130],
      ['<url>http://169.254.169.254/latest</url>', 130],
      ['<url>http://2852039166/</url>', 130],
      ['<url>http://[fe80::1]/</url>', 130],
      ['<url>http://[::ffff:169.254.169.254]/</url>', 130],
      [`<url>${URL}?${'x'.repeat(3_000)}</url>`, 130],
    ] as const) {
      assert.equal(numberOf(await register(url)), wanted, url);
    }
    assert.equal(numberOf(await world.rest('POST', '/endpoints', { key: alice, expiry: 3_600 })), 141);
    assert.equal(numberOf(await world.rest('POST', '/endpoints', { key: application, body: '<x/>' })), 103);
  });

  it('refreshes an endpoint with 201 and the same id, and refuses a URL then', async () => {
    const id = await world.register(application, URL);
    const refresh = await world.rest('PUT', `/endpoints/${id}`, { key: application, expiry: 3_600 });
    assert.equal(idOf(refresh), id);
    const body = `<endpoint><url>${URL}</url></endpoint>`;
    const empty = '<endpoint><url/><expiration>3600</expiration></endpoint>';
    assert.equal(idOf(await world.rest('PUT', `/endpoints/${id}`, { key: application, body: empty })), id);
    assert.equal(numberOf(await world.rest('PUT', `/endpoints/${id}`, { key: application, expiry: 3_600, body })), 123);
    for (const wrong of ['9', '0', '-1', 'x', '1e0', '%zz']) {
      assert.equal(numberOf(await world.rest('PUT', `/endpoints/${wrong}`, { key: application, expiry: 3_600 })), 132);
      assert.equal(numberOf(await world.rest('DELETE', `/endpoints/${wrong}`, { key: application })), 132);
    }
    const other = await world.signInApplication('other');
    assert.equal(numberOf(await world.rest('PUT', `/endpoints/${id}`, { key: other, expiry: 3_600 })), 136);
    assert.equal(numberOf(await world.rest('DELETE', `/endpoints/${id}`, { key: other })), 136);
  });

  it('lets endpoints and subscriptions expire from the last registration on, used or not', async () => {
    const id = await world.register(application, URL);
    await world.rest('PUT', `/endpoints/${id}`, { key: application, expiry: 3_600 });
    const subscription = await world.subscribe(alice, 'alice', id, [BOB]);
    await world.clock.advance(3_599_000);
    assert.equal((await world.rest('PUT', `/endpoints/${id}`, { key: application, expiry: 86_400 })).status, 201);
    await world.clock.advance(2_000);
    const path = `/users/alice/presence/basic/subscriptions/${subscription}`;
    assert.equal(numberOf(await world.rest('GET', path, { key: alice })), 133);
    assert.equal((await world.presenceDatastore.watchersOf(BOB, 'presence')).length, 0);
    assert.equal((await world.rest('DELETE', `/endpoints/${id}`, { key: application })).status, 200);
  });

  it('ends subscriptions with their endpoint, and both with their sessions', async () => {
    const id = await world.register(application, URL);
    const subscription = await world.subscribe(alice, 'alice', id, [BOB]);
    const path = `/users/alice/presence/basic/subscriptions/${subscription}`;
    await world.rest('DELETE', `/endpoints/${id}`, { key: application });
    assert.equal(numberOf(await world.rest('GET', path, { key: alice })), 133);

    const again = await world.register(application, URL);
    await world.subscribe(alice, 'alice', again, [BOB]);
    await world.rest('DELETE', '/users/alice/session', { key: alice });
    assert.equal((await world.presenceDatastore.watchersOf(BOB, 'presence')).length, 0);
    await world.rest('DELETE', '/users/appuser/session', { key: application });
    application = await world.signInApplication();
    assert.equal(numberOf(await world.rest('DELETE', `/endpoints/${again}`, { key: application })), 132);
  });

  it('tells each refusal of a subscription by its number', async () => {
    const id = await world.register(application, URL);
    const other = await world.signInApplication('other');
    const foreign = await world.register(other, URL);
    const list = (...contacts: readonly string[]): string => `<contactsList>${contacts.join('')}</contactsList>`;
    const bob = `<contact contactURI="${BOB}"/>`;
    const end = `<subscriptionType>PRESENCE_NOTIFICATION</subscriptionType><endPointID>${id}</endPointID>`;
    const many = Array.from({ length: 5_001 }, (_, index) => `<contact contactURI="u${index}@${DOMAIN}"/>`);
    const cases: readonly (readonly [number, string, number?])[] = [
      [134, `${list(bob)}<subscriptionType>OTHER</subscriptionType><endPointID>${id}</endPointID>`],
      [134, `${list(bob)}<endPointID>${id}</endPointID>`],
      [146, end],
      [145, end, 0],
      [131, list(bob) + end, 10],
      [131, list(bob) + end, 0],
      [135, list() + end],
      [135, list(...many) + end],
      [143, list('<contact/>') + end],
      [143, list('<contact contactURI=" "/>') + end],
      [124, list('<contact contactURI="bob"/>') + end],
      [124, list('<contact contactURI="a b@acme.example"/>') + end],
      [124, list('<contact contactURI="bob@"/>') + end],
      [124, list('<contact contactURI="@acme.example"/>') + end],
      [124, list('<contact contactURI="a@b@acme.example"/>') + end],
      [124, list('<contact contactURI="bob@acme..example"/>') + end],
      [147, list(bob, '<person contactURI="x@y"/>') + end],
      [148, list(`<contact contactURI="${BOB}" nick="b"/>`) + end],
      [132, `${list(bob)}<subscriptionType>PRESENCE_NOTIFICATION</subscriptionType>`],
      [132, `${list(bob)}<subscriptionType>PRESENCE_NOTIFICATION</subscriptionType><endPointID>x</endPointID>`],
      [136, list(bob) + end.replace(`>${id}<`, `>${foreign}<`)],
    ];
    for (const [number, content, expiry = 3_600] of cases) {
      const answer = await world.rest('POST', '/users/alice/subscriptions', {
        key: alice,
        expiry,
        body: `<subscription>${content}</subscription>`,
      });
      assert.equal(numberOf(answer), number, content.slice(0, 200));
      assert.equal(answer.status, 400);
    }
    const path = '/users/alice/subscriptions';
    assert.equal(numberOf(await world.rest('POST', path, { key: application, expiry: 3_600 })), 140);
    assert.equal(numberOf(await world.rest('POST', '/users/bob/subscriptions', { key: alice, expiry: 3_600 })), 101);
    assert.equal(numberOf(await world.rest('POST', path, { key: alice, expiry: 3_600, body: '<x/>' })), 103);
    assert.equal(numberOf(await world.rest('POST', path, { key: alice, expiry: 3_600, body: '<x' })), 102);
    for (const expected of [1, 2, 3]) assert.equal(await world.subscribe(alice, 'alice', id, [BOB]), expected);
    const full = await world.rest('POST', path, { key: alice, expiry: 3_600, body: subscriptionBody(id, [BOB]) });
    assert.equal(numberOf(full), 139);
  });

  it('adds contacts without refreshing, refreshes without contacts, and takes contacts out', async () => {
    const endPoint = await world.register(application, URL);
    const id = await world.subscribe(alice, 'alice', endPoint, [BOB]);
    const path = `/users/alice/subscriptions/${id}`;
    const presence = `/users/alice/presence/basic/subscriptions/${id}`;
    const contactsOf = async (): Promise<string[]> =>
      [...(await world.rest('GET', presence, { key: alice })).text.matchAll(/contactURI="([^"]+)"/g)].map(
        (match) => match[1] as string,
      );
    await world.clock.advance(1_800_000);
    const added = await world.rest('PUT', path, {
      key: alice,
      expiry: 0,
      body: subscriptionBody(endPoint, [`Carol@${DOMAIN}`, BOB]),
    });
    assert.equal(idOf(added), id);
    assert.deepEqual(await contactsOf(), [BOB, `Carol@${DOMAIN}`]);
    assert.equal(numberOf(await world.rest('PUT', path, { key: alice })), 145);
    assert.equal(idOf(await world.rest('PUT', path, { key: alice, expiry: 3_600 })), id);
    await world.clock.advance(3_500_000);
    assert.equal((await contactsOf()).length, 2);

    const list = (uri: string): string => `<contactsList><contact contactURI="${uri}"/></contactsList>`;
    assert.equal(numberOf(await world.rest('DELETE', path, { key: alice, body: list(`x@${DOMAIN}`) })), 144);
    assert.equal((await world.rest('DELETE', path, { key: alice, body: list(BOB) })).status, 200);
    assert.deepEqual(await contactsOf(), [`Carol@${DOMAIN}`]);
    assert.equal((await world.presenceDatastore.watchersOf(BOB, 'presence')).length, 0);
    // With the last contact the subscription goes.
    assert.equal((await world.rest('DELETE', path, { key: alice, body: list(`carol@${DOMAIN}`) })).status, 200);
    assert.equal(numberOf(await world.rest('DELETE', path, { key: alice })), 133);
  });

  it('guards a subscription from others', async () => {
    const endPoint = await world.register(application, URL);
    const id = await world.subscribe(alice, 'alice', endPoint, [BOB]);
    const bob = await world.signIn('bob', application);
    for (const [method, path] of [
      ['DELETE', `/users/bob/subscriptions/${id}`],
      ['GET', `/users/bob/presence/rich/subscriptions/${id}`],
      ['PUT', `/users/bob/subscriptions/${id}`],
    ] as const) {
      assert.equal(numberOf(await world.rest(method, path, { key: bob, expiry: 3_600 })), 137);
    }
    assert.equal(numberOf(await world.rest('DELETE', `/users/bob/subscriptions/${id}`, { key: alice })), 101);
    for (const wrong of ['9', '0', 'x', '-1']) {
      assert.equal(numberOf(await world.rest('DELETE', `/users/alice/subscriptions/${wrong}`, { key: alice })), 133);
    }
  });
});

describe('the REST face: limits', () => {
  it('keeps a session to its rate with 503 and 212, raises the alarm, and clears it', async () => {
    await using world = await openPwsWorld({ options: { requestsPerSecond: 2, requestBurst: 4 } });
    const key = await world.signIn('alice', await world.signInApplication());
    const states: (number | undefined)[] = [];
    for (let count = 0; count < 6; count += 1) states.push(numberOf(await world.setBasic(key, 'alice', 'AWAY')));
    assert.deepEqual(states, [undefined, undefined, undefined, undefined, 212, 212]);
    assert.equal((await world.setBasic(key, 'alice', 'AWAY')).status, 503);
    assert.deepEqual(
      world.test.alarms.active().map(({ name }) => name),
      ['PWSRequestLimitReached'],
    );
    await world.clock.advance(1_000);
    assert.equal(numberOf(await world.setBasic(key, 'alice', 'AWAY')), undefined);
    await world.clock.advance(11_000);
    assert.equal(world.test.alarms.active().length, 0);
  });

  it('refuses while the CPU is too busy with 503 and 210, raises the alarm, and clears it', async () => {
    await using world = await openPwsWorld();
    const key = await world.signIn('alice', await world.signInApplication());
    world.delayMs = 900;
    await world.clock.advance(2_000);
    assert.equal((await world.setBasic(key, 'alice', 'AWAY')).status, 200);
    await world.clock.advance(1_000);
    const refused = await world.setBasic(key, 'alice', 'AWAY');
    assert.deepEqual([refused.status, numberOf(refused)], [503, 210]);
    assert.deepEqual(
      world.test.alarms.active().map(({ name }) => name),
      ['PWSAboveCPULimit'],
    );
    world.delayMs = 300;
    await world.clock.advance(1_000);
    assert.equal((await world.setBasic(key, 'alice', 'AWAY')).status, 503);
    world.delayMs = 0;
    await world.clock.advance(1_000);
    assert.equal((await world.setBasic(key, 'alice', 'AWAY')).status, 200);
    assert.equal(world.test.alarms.active().length, 0);
  });

  it('says 211 when no more can be watched, changes nothing then, and clears the alarm later', async () => {
    await using world = await openPwsWorld({ presenceOptions: { maxSubscriptions: 2 } });
    const application = await world.signInApplication();
    const key = await world.signIn('alice', application);
    const endPoint = await world.register(application, 'http://127.0.0.1:9/');
    const body = subscriptionBody(
      endPoint,
      ['bob', 'carol', 'olga'].map((user) => `${user}@${DOMAIN}`),
    );
    const refused = await world.rest('POST', '/users/alice/subscriptions', { key, expiry: 3_600, body });
    assert.deepEqual([refused.status, numberOf(refused)], [503, 211]);
    assert.equal((await world.presenceDatastore.watchersOf(BOB, 'presence')).length, 0);
    assert.equal(await world.subscribe(key, 'alice', endPoint, [BOB]), 1);
    assert.equal(world.test.alarms.active().length, 0);
  });
});

describe('the REST face: HTTP', () => {
  let world: PwsWorld;
  let key: string;
  before(async () => {
    world = await openPwsWorld({ options: { maxBodyBytes: 128 * 1024 } });
    key = await world.signIn('alice', await world.signInApplication());
  });
  after(() => world[Symbol.asyncDispose]());

  it('answers 404 for what is not there and 405 for what is not done there', async () => {
    for (const path of [
      '',
      '/',
      '/users',
      '/users/alice',
      '/users/alice/presence',
      '/users/alice/presence/full',
      '/x',
    ]) {
      assert.equal((await world.rest('GET', path, { key })).status, 404, path);
    }
    for (const path of ['/users/alice/sessions/1', '/endpoints/1/2', '/users/alice/presence/basic/contacts/a/b']) {
      assert.equal((await world.rest('GET', path, { key })).status, 404, path);
    }
    const wrong = await world.rest('GET', '/users/alice/session', { key });
    assert.equal(wrong.status, 405);
    assert.equal(wrong.headers.get('allow'), 'POST, PUT, DELETE');
    assert.equal((await world.rest('POST', '/users/alice/presence/basic', { key })).status, 405);
  });

  it('refuses bodies that cannot be read with 150', async () => {
    const path = '/users/alice/presence/basic';
    const large = await world.rest('PUT', path, { key, body: 'x'.repeat(200 * 1024) });
    assert.deepEqual([large.status, numberOf(large)], [413, 150]);
    const zipped = await world.rest('PUT', path, { key, body: 'x', headers: { 'content-encoding': 'gzip' } });
    assert.deepEqual([zipped.status, numberOf(zipped)], [415, 150]);
  });
});
