import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { attribute, element, elements, textOf } from '../../../src/xml/element.ts';
import {
  type Answer,
  at,
  type CpaWorld,
  DOMAIN,
  EPAS,
  faultNumber,
  keyOf,
  loginByApplication,
  loginRequest,
  openCpaWorld,
} from './cpa-world.ts';

const APPLICATION = 'client-type="thirdpartyapp"';
const GET_LIST = `<get-contact-list xmlns="${EPAS}"/>`;

function reasonOf(answer: Answer): string | undefined {
  const failure = element(answer.payload, 'failure');
  if (!failure) return undefined;
  assert.equal(attribute(failure, 'reason'), at(answer.payload, 'failure', 'reason'));
  assert.match(attribute(failure, 'code') ?? '', /^\d+$/);
  return attribute(failure, 'reason');
}

describe('signing in', () => {
  let world: CpaWorld;
  beforeEach(async () => {
    world = await openCpaWorld();
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const login = (user: string, password = 'secret', attributes = ''): Promise<Answer> =>
    world.call(loginRequest(user, password, attributes));
  const isGood = async (key: string): Promise<boolean> =>
    (await world.call(GET_LIST, { key })).status === 200 &&
    faultNumber(await world.call(GET_LIST, { key })) === undefined;

  it('signs an end user in directly: key first, then the versions, and the backup node', async () => {
    const answer = await login('alice', 'secret', 'client-type="CUPC" client-version="14.2" force="true"');
    assert.equal(answer.status, 200);
    assert.equal(answer.payload.local, 'login-resp');
    const success = element(answer.payload, 'success');
    assert.ok(success);
    assert.equal(attribute(success, 'backupServer'), 'imp2.acme.example');
    const [first, ...versions] = elements(success);
    assert.equal(first?.local, 'session-key');
    assert.match(textOf(first as NonNullable<typeof first>), /^[0-9a-f-]{36}$/);
    assert.ok(versions.some((version) => textOf(version) === 'v80'));
    assert.ok(versions.every(({ local }) => local === 'version'));
    assert.ok(await isGood(keyOf(answer)));
  });

  it('takes the name in any case, with spaces around it, and with the presence domain', async () => {
    const key = keyOf(await login('alice'));
    for (const name of ['ALICE', ' alice\n', `alice@${DOMAIN}`, `Alice@${DOMAIN.toUpperCase()}`]) {
      assert.equal(keyOf(await login(name)), key, name);
    }
    assert.match(reasonOf(await login('alice@other.example')) ?? '', /not valid/);
  });

  it('signs an application user in, and end users through it without their password', async () => {
    const application = keyOf(await login('appuser', 'secret', APPLICATION));
    const client = await world.call(loginByApplication('alice', application));
    assert.ok(await isGood(keyOf(client)));
    assert.equal(keyOf(await world.call(loginByApplication('alice', application))), keyOf(client));
    assert.notEqual(keyOf(await login('alice')), keyOf(client));
    assert.equal(faultNumber(await world.call(GET_LIST, { key: application })), '140');
  });

  it('takes a name that is both an application user and an end user by the client type', async () => {
    const application = keyOf(await login('bob', 'secret', APPLICATION));
    assert.equal(faultNumber(await world.call(GET_LIST, { key: application })), '140');
    assert.ok(await isGood(keyOf(await login('bob', 'secret', 'client-type="CUPC"'))));
  });

  it('refuses wrong password and unknown user in the same words', async () => {
    const wrong = await login('alice', 'wrong');
    const unknown = await login('nobody', 'wrong');
    assert.equal(wrong.status, 200);
    assert.equal(wrong.text, unknown.text);
    assert.match(reasonOf(wrong) ?? '', /user name or the password is not valid/);
    assert.equal((await login('mallory', 'wrong')).text, wrong.text);
    assert.equal((await login('norole', 'wrong', APPLICATION)).text, wrong.text);
    assert.match(await world.test.metrics.render(), /^SoapLoginFailures\{service="client-profile-agent"\} 4$/m);
  });

  it('takes a password exactly as it is', async () => {
    world.passwords.set('alice', ' <pä&ss> ');
    assert.ok(keyOf(await login('alice', ' &lt;pä&amp;ss&gt; ')));
    assert.ok(keyOf(await login('alice', '<![CDATA[ <pä&ss> ]]>')));
    assert.ok(keyOf(await login('al<!-- -->ice', ' &lt;p<!-- x -->ä&amp;ss&gt; ')));
    assert.match(reasonOf(await login('alice', '&lt;pä&amp;ss&gt;')) ?? '', /not valid/);
  });

  it('says why a user with the right password cannot sign in', async () => {
    assert.match(reasonOf(await login('walter')) ?? '', /not assigned to a node/);
    assert.match(reasonOf(await login('mallory')) ?? '', /not enabled/);
    assert.match(reasonOf(await login('trent')) ?? '', /not enabled/);
    assert.match(reasonOf(await login('norole', 'secret', APPLICATION)) ?? '', /Admin-3rd Party API/);
  });

  it('redirects users of another node and of a peer cluster', async () => {
    const other = element((await login('olga')).payload, 'redirect');
    assert.ok(other);
    assert.equal(attribute(other, 'primaryServer'), 'imp2.acme.example');
    assert.equal(attribute(other, 'backupServer'), 'imp1.acme.example');
    const peer = element((await login('paul')).payload, 'redirect');
    assert.equal(peer && attribute(peer, 'primaryServer'), 'imp.east.example');
    const text = await world.test.metrics.render();
    assert.match(text, /^SoapNodeRedirect\{service="client-profile-agent"\} 1$/m);
    assert.match(text, /^SoapCrossClusterRedirect\{service="client-profile-agent"\} 1$/m);
  });

  it('sends users of a failed-over node to the backup, which serves them', async () => {
    const setState = (id: number, tkhaserverstate: number): Promise<unknown> =>
      world.test.ids.transaction('node', (trx) =>
        trx.updateTable('enterprisenode').set({ tkhaserverstate }).where('id', '=', id).execute(),
      );
    await setState(2, 8);
    await setState(1, 4);
    await world.settle();
    assert.ok(keyOf(await login('olga')));
    await setState(1, 8);
    await setState(2, 4);
    await world.settle();
    const redirect = element((await login('alice')).payload, 'redirect');
    assert.equal(redirect && attribute(redirect, 'primaryServer'), 'imp2.acme.example');
  });

  it('refuses an application key that is none', async () => {
    for (const key of ['nonsense', await world.signIn('alice')]) {
      assert.match(reasonOf(await world.call(loginByApplication('alice', key))) ?? '', /app-session-id/);
    }
    const key = keyOf(await login('appuser', 'secret', APPLICATION));
    assert.match(reasonOf(await world.call(loginByApplication('nobody', key))) ?? '', /not valid/);
  });

  it('gives the same key without force, a new one with it', async () => {
    const first = keyOf(await login('alice', 'secret', 'client-type="CUPC"'));
    assert.equal(keyOf(await login('alice', 'secret', 'client-type="CUPC" force="0"')), first);
    const forced = keyOf(await login('alice', 'secret', 'client-type="CUPC" force="1"'));
    assert.notEqual(forced, first);
    assert.equal(faultNumber(await world.call(GET_LIST, { key: first })), '101');
    assert.ok(await isGood(forced));
  });

  it('gives any number of log-ins of one slot at the same time the same key', async () => {
    const answers = await Promise.all(Array.from({ length: 150 }, () => login('alice')));
    assert.equal(new Set(answers.map(keyOf)).size, 1);
    const application = keyOf(await login('appuser', 'secret', APPLICATION));
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => world.call(loginByApplication('bob', application))),
    );
    assert.equal(new Set(clients.map(keyOf)).size, 1);
  });

  it('gives a forced application log-in a new key, and ends what the old one had opened', async () => {
    const first = keyOf(await login('appuser', 'secret', APPLICATION));
    const client = keyOf(await world.call(loginByApplication('alice', first)));
    const second = keyOf(await login('appuser', 'secret', `${APPLICATION} force="true"`));
    assert.equal(faultNumber(await world.call(GET_LIST, { key: client })), '101');
    assert.match(reasonOf(await world.call(loginByApplication('alice', first))) ?? '', /app-session-id/);
    assert.ok(await isGood(keyOf(await world.call(loginByApplication('alice', second)))));
  });

  it('leaves no session behind when an application logs out while it signs somebody in', async () => {
    const application = keyOf(await login('appuser', 'secret', APPLICATION));
    const all = Array.from({ length: 20 }, (_, each) =>
      each === 10
        ? world.call(`<logout xmlns="${EPAS}"/>`, { key: application })
        : world.call(loginByApplication('alice', application, `client-type="t${each}"`)),
    );
    for (const answer of await Promise.all(all)) assert.equal(faultNumber(answer), undefined);
    const left: string[] = [];
    for await (const { userid } of world.loginDatastore.sessions()) left.push(userid);
    assert.deepEqual(left, []);
  });

  it('keeps ten sessions of a user, and lets the least recently used go', async () => {
    const keys: string[] = [];
    for (let each = 0; each < 10; each += 1) {
      await world.clock.advance(2_000);
      keys.push(keyOf(await login('alice', 'secret', `client-type="c${each}"`)));
    }
    await world.clock.advance(2_000);
    assert.ok(await isGood(keys[0] ?? ''));
    keys.push(keyOf(await login('alice', 'secret', 'client-type="eleventh"')));
    const faults = await Promise.all(keys.map(async (key) => faultNumber(await world.call(GET_LIST, { key }))));
    assert.deepEqual(
      faults.map((fault, each) => (fault === '101' ? each : -1)).filter((each) => each >= 0),
      [1],
    );
  });

  it('ends a session a day after its last use', async () => {
    const key = keyOf(await login('alice'));
    await world.clock.advance(23 * 3_600_000);
    assert.ok(await isGood(key));
    await world.clock.advance(23 * 3_600_000);
    assert.ok(await isGood(key));
    await world.clock.advance(24 * 3_600_000);
    assert.equal(faultNumber(await world.call(GET_LIST, { key })), '101');
  });

  it('ends everything an application opened when it logs out', async () => {
    const application = keyOf(await login('appuser', 'secret', APPLICATION));
    const client = keyOf(await world.call(loginByApplication('alice', application)));
    const out = await world.call(`<logout xmlns="${EPAS}"/>`, { key: application });
    assert.equal(at(out.payload, 'success'), '');
    assert.equal(faultNumber(await world.call(GET_LIST, { key: client })), '101');
    assert.equal(faultNumber(await world.call(`<logout xmlns="${EPAS}"/>`, { key: application })), '101');
  });

  it('answers "try later" when passwords cannot be checked or a store is away, never "wrong password"', async () => {
    const busy = (answer: Answer): void => {
      assert.equal(answer.status, 503);
      assert.equal(faultNumber(answer), '212');
      assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
    };
    world.isCucmAway = true;
    busy(await login('alice'));
    world.isCucmAway = false;
    const key = keyOf(await login('alice'));
    await world.scopes.login.close();
    busy(await login('alice'));
    busy(await world.call(GET_LIST, { key }));
    await world.scopes.route.close();
    busy(await login('bob'));
  });

  it('refuses a client older than its type must be, and raises the alarm for an old Jabber', async () => {
    await world.test.ids.transaction('administrator', (trx) =>
      trx
        .insertInto('serviceparameter')
        .values({ node: '', service: 'client-profile-agent', name: 'Client.CUPC.MinimumVersion', value: '9.10' })
        .execute(),
    );
    const old = await login('alice', 'secret', 'client-type="CUPC" client-version="9.7.0.18474"');
    assert.match(reasonOf(old) ?? '', /minimal version requirement/);
    assert.equal(world.test.alarms.active()[0]?.name, 'LegacyCUPCLogin');
    assert.ok(keyOf(await login('alice', 'secret', 'client-type="CUPC" client-version="9.10.1"')));
    assert.deepEqual(world.test.alarms.active(), []);
    assert.ok(keyOf(await login('alice', 'secret', 'client-type="other" client-version="1"')));
  });
});

describe('guessing passwords', () => {
  let world: CpaWorld;
  before(async () => {
    world = await openCpaWorld({}, { wrongPasswordsPerAddress: 30 });
  });
  after(() => world[Symbol.asyncDispose]());

  it('stops being checked after 20 wrong ones of a user, then 30 from an address, for a minute', async () => {
    const wrong = async (user: string): Promise<string | undefined> =>
      reasonOf(await world.call(loginRequest(user, 'wrong')));
    for (let each = 0; each < 20; each += 1) assert.match((await wrong('alice')) ?? '', /not valid/);
    const checks = world.checks;
    assert.match((await wrong('Alice')) ?? '', /too many wrong passwords/);
    assert.match(reasonOf(await world.call(loginRequest('alice', 'secret'))) ?? '', /too many/);
    assert.equal(world.checks, checks);
    assert.ok(await world.signIn('bob'));
    for (let each = 0; each < 10; each += 1) await wrong(`nobody${each}`);
    assert.match(reasonOf(await world.call(loginRequest('bob', 'secret'))) ?? '', /too many/);
    await world.clock.advance(60_000);
    assert.ok(await world.signIn('alice'));
    assert.ok(await world.signIn('bob'));
  });

  it('gains nothing by trying many at once', async () => {
    await world.clock.advance(60_000);
    const before = world.checks;
    await Promise.all(Array.from({ length: 40 }, () => world.call(loginRequest('carol', 'wrong'))));
    assert.equal(world.checks - before, 20);
  });
});
