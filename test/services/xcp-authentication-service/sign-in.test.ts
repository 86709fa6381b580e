import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseJid, SaslError, StreamError } from '../../../src/xmpp/xmpp.ts';
import { type ClientWorld, openClientWorld, PASSWORD } from '../xcp-connection-manager/client-world.ts';
import { pkidOf } from '../xcp-router/router-world.ts';

const password = (username: string, given = PASSWORD) => ({ kind: 'password', username, password: given }) as const;

async function tokenOf(world: ClientWorld, userid: string): Promise<string> {
  const opened = await world.loginDatastore.open({
    kind: 'enduser',
    userPkid: pkidOf(userid),
    userid,
    clientType: 'CUPC',
    clientVersion: '8.0',
    owner: null,
    homeNodeId: 1,
    password: null,
    force: false,
  });
  return await world.loginDatastore.issueToken(opened.session);
}

function refusedAs(condition: string) {
  return (error: unknown) => error instanceof SaslError && error.condition === condition;
}

describe('sign-in over XMPP', () => {
  it('takes the password that CUCM knows, with or without the domain, and counts', async () => {
    await using world = await openClientWorld();
    const alice = await world.connect(password('alice'), { resource: 'desk' });
    assert.equal(alice.stream.jid?.full, 'alice@acme.example/desk');
    const direct = await world.connect(password('ALICE@acme.example'), { tls: 'direct' });
    assert.equal(direct.stream.jid?.bare, 'alice@acme.example');
    await assert.rejects(world.connect(password('alice', 'wrong')), refusedAs('not-authorized'));
    await assert.rejects(world.connect(password('nobody')), refusedAs('not-authorized'));
    assert.equal(await world.router.metric('SASLPlainSuccess'), 2);
    assert.equal(await world.router.metric('SASLPlainFailed'), 2);
    assert.equal(await world.router.metric('FailedSASLCredentials'), 2);
  });

  it('refuses who has no licence or no node, but only to who has the password', async () => {
    await using world = await openClientWorld();
    await assert.rejects(world.connect(password('mallory')), refusedAs('account-disabled'));
    await assert.rejects(world.connect(password('walter')), refusedAs('account-disabled'));
    await assert.rejects(world.connect(password('mallory', 'wrong')), refusedAs('not-authorized'));
    assert.equal(await world.router.metric('FailedLicense'), 2);
  });

  it('takes a one-time password once, and only of its user', async () => {
    await using world = await openClientWorld();
    const token = await tokenOf(world, 'alice');
    const as = (user: string) => ({ kind: 'token', user: parseJid(`${user}@acme.example`), token }) as const;
    await assert.rejects(world.connect(as('bob')), refusedAs('not-authorized'));
    const alice = await world.connect({ ...as('alice'), token: await tokenOf(world, 'alice') });
    assert.equal(alice.stream.jid?.bare, 'alice@acme.example');
    const once = await tokenOf(world, 'alice');
    await world.connect({ ...as('alice'), token: once });
    await assert.rejects(world.connect({ ...as('alice'), token: once }), refusedAs('not-authorized'));
    assert.equal(await world.router.metric('VtgTokenSuccess'), 2);
    assert.equal(await world.router.metric('VtgTokenFailed'), 2);
    assert.equal(await world.router.metric('FailedTokenCredentials'), 2);
  });

  it('is held to the one set of attempts of all interfaces', async () => {
    await using world = await openClientWorld();
    for (let count = 0; count < 3; count += 1) {
      await assert.rejects(world.connect(password('alice', 'wrong')), refusedAs('not-authorized'));
    }
    await assert.rejects(world.connect(password('alice')), refusedAs('temporary-auth-failure'));
    await world.connect(password('bob'));
  });

  it('says so when passwords cannot be checked now', async () => {
    await using world = await openClientWorld();
    world.password.isAway = true;
    await assert.rejects(world.connect(password('alice')), refusedAs('temporary-auth-failure'));
  });

  it('sends a user of another node there', async () => {
    await using world = await openClientWorld();
    await assert.rejects(
      world.connect(password('olga')),
      (error: unknown) => error instanceof StreamError && error.otherHost === 'imp2.acme.example',
    );
  });

  it('offers no password where it is told not to', async () => {
    await using world = await openClientWorld({ authentication: { offersPassword: false } });
    await assert.rejects(world.connect(password('alice')), refusedAs('invalid-mechanism'));
  });

  it('takes an XMPP administrator that CUCM does not know, by the password of the configuration', async () => {
    await using world = await openClientWorld({
      router: { administrators: ['admin'] },
      authentication: { administrators: [{ name: 'admin', password: 'for the admin' }] },
    });
    const admin = await world.connect(password('admin', 'for the admin'));
    assert.equal(admin.stream.jid?.bare, 'admin@acme.example');
    assert.equal(world.router.router.isAdministrator(parseJid('admin@acme.example/x')), true);
    assert.equal(world.router.router.isAdministrator(parseJid('alice@acme.example')), false);
    await assert.rejects(world.connect(password('admin')), refusedAs('not-authorized'));
  });
});
