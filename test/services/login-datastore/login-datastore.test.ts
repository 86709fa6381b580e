import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import type { DatastoreEngine, RowOwner } from '../../../src/datastore/datastore.ts';
import { createMemoryEngine } from '../../../src/datastore/memory-engine.ts';
import { createTurns } from '../../../src/datastore/turns.ts';
import { ImpError } from '../../../src/platform/errors.ts';
import { createMetrics, type Metrics } from '../../../src/platform/metrics.ts';
import { createScope, type OwnedScope } from '../../../src/platform/scope.ts';
import { tokenDefinition } from '../../../src/services/login-datastore/client-session.ts';
import {
  type ClientSession,
  createLoginDatastore,
  loginDatastoreDescriptor,
  type SessionRequest,
} from '../../../src/services/login-datastore/login-datastore.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const HOUR_MS = 3_600_000;
const log = pino({ level: 'silent' });

function request(userid: string, parts: Partial<SessionRequest> = {}): SessionRequest {
  return {
    kind: 'enduser',
    userPkid: `pkid-${userid}`,
    userid,
    clientType: 'CUPC',
    clientVersion: '9.7',
    owner: null,
    homeNodeId: 1,
    password: 'secret',
    force: false,
    ...parts,
  };
}

const asApplication = (parts: Partial<SessionRequest> = {}): SessionRequest =>
  request('appuser', { kind: 'applicationuser', clientType: 'thirdpartyapp', ...parts });

const asClientOf = (owner: ClientSession, userid: string, parts: Partial<SessionRequest> = {}): SessionRequest =>
  request(userid, { clientType: 'thirdclient', owner, password: null, ...parts });

describe('login datastore', () => {
  let clock: FakeClock;
  let engine: DatastoreEngine;
  let scope: OwnedScope;
  let store: ReturnType<typeof createLoginDatastore>;
  let metrics: Metrics;
  let servedBy: RowOwner;
  const failures: unknown[] = [];

  const start = async (): Promise<void> => {
    scope = createScope(clock, (error) => failures.push(error));
    await store.start(scope);
  };

  beforeEach(async () => {
    clock = new FakeClock();
    metrics = createMetrics();
    servedBy = { node: 'imp1', epoch: 0 };
    engine = createMemoryEngine({ clock, metrics, log });
    store = createLoginDatastore(
      { engine, clock, log, metrics, servedBy: () => servedBy },
      loginDatastoreDescriptor.options.parse({}),
    );
    await start();
  });
  afterEach(async () => {
    await scope.close();
    await engine[Symbol.asyncDispose]();
    assert.deepEqual(failures.splice(0), []);
  });

  it('gives a lower-case UUID and keeps it nowhere', async () => {
    const { key, session } = await store.open(request('alice'));
    assert.match(key, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.ok(!JSON.stringify(session).includes(key));
    assert.equal((await store.find(key))?.userid, 'alice');
    assert.equal(await store.find('other'), undefined);
  });

  it('gives the same key to the same slot, and others to other users, kinds, client types and applications', async () => {
    const first = await store.open(request('alice'));
    assert.equal((await store.open(request('alice', { clientVersion: '14' }))).key, first.key);
    assert.equal((await store.find(first.key))?.clientVersion, '14');
    const application = await store.open(asApplication());
    const other = await store.open(asApplication({ userPkid: 'pkid-2', userid: 'second' }));
    const keys = [
      first.key,
      (await store.open(request('bob'))).key,
      (await store.open(request('alice', { kind: 'applicationuser' }))).key,
      (await store.open(request('alice', { clientType: 'web' }))).key,
      (await store.open(asClientOf(application.session, 'alice'))).key,
      (await store.open(asClientOf(other.session, 'alice'))).key,
    ];
    assert.equal(new Set(keys).size, keys.length);
  });

  it('gives two log-ins of one slot at the same time the same key', async () => {
    const opened = await Promise.all(Array.from({ length: 20 }, () => store.open(request('alice'))));
    assert.equal(new Set(opened.map(({ key }) => key)).size, 1);
  });

  it('ends the old key at once when a new one is forced, and with it what the application had opened', async () => {
    const application = await store.open(asApplication());
    const client = await store.open(asClientOf(application.session, 'alice'));
    const forced = await store.open(asApplication({ force: true }));
    assert.notEqual(forced.key, application.key);
    assert.equal(await store.find(application.key), undefined);
    assert.equal(await store.find(client.key), undefined);
    assert.ok(await store.find(forced.key));
  });

  it('ends the end-user sessions with the application: log-out, expiry, removal', async () => {
    for (const finish of ['end', 'expire', 'remove'] as const) {
      const application = await store.open(asApplication());
      const client = await store.open(asClientOf(application.session, 'alice'));
      const own = await store.open(request('alice'));
      if (finish === 'end') await store.end(application.session);
      if (finish === 'remove') await store.endOfUser('applicationuser', application.session.userPkid);
      if (finish === 'expire') {
        await clock.advance(23 * HOUR_MS);
        assert.ok(await store.find(client.key));
        assert.ok(await store.find(own.key));
        await clock.advance(2 * HOUR_MS);
        assert.deepEqual(
          (await store.sessionsOfUser('enduser', 'pkid-alice')).map(({ id }) => id),
          [own.session.id],
        );
      }
      assert.equal(await store.find(client.key), undefined, finish);
      assert.ok(await store.find(own.key), finish);
      const again = await store.open(asApplication());
      assert.notEqual((await store.open(asClientOf(again.session, 'alice'))).key, client.key);
      await store.endOfUser('enduser', 'pkid-alice');
      await store.end(again.session);
    }
  });

  it('moves a reused end-user session to the application session that signed in last', async () => {
    const first = await store.open(asApplication());
    const second = await store.open(asApplication({ clientType: 'other' }));
    const client = await store.open(asClientOf(first.session, 'alice'));
    assert.equal((await store.open(asClientOf(second.session, 'alice'))).key, client.key);
    await store.end(first.session);
    assert.ok(await store.find(client.key));
    await store.end(second.session);
    assert.equal(await store.find(client.key), undefined);
  });

  it('keeps a session as long as it is used, and ends it a day after its last use', async () => {
    const { key } = await store.open(request('alice'));
    for (let day = 0; day < 5; day += 1) {
      await clock.advance(20 * HOUR_MS);
      assert.ok(await store.find(key), `after ${day + 1} × 20 h`);
    }
    await clock.advance(24 * HOUR_MS);
    assert.equal(await store.find(key), undefined);
    assert.notEqual((await store.open(request('alice'))).key, key);
  });

  it('lets the least recently used of ten sessions go first', async () => {
    const keys: string[] = [];
    for (let each = 0; each < 10; each += 1) {
      keys.push((await store.open(request('alice', { clientType: `type ${each}` }))).key);
      await clock.advance(2_000);
    }
    assert.ok(await store.find(keys[0] as string));
    await store.open(request('alice', { clientType: 'eleventh' }));
    assert.ok(await store.find(keys[0] as string));
    assert.equal(await store.find(keys[1] as string), undefined);
    assert.equal((await store.sessionsOfUser('enduser', 'pkid-alice')).length, 10);
  });

  it('ends all sessions when a log-in shows that the password has been changed', async () => {
    const old = await store.open(request('alice'));
    const other = await store.open(request('bob'));
    const current = await store.open(request('alice', { clientType: 'web', password: 'changed' }));
    assert.equal(await store.find(old.key), undefined);
    assert.ok(await store.find(current.key));
    assert.equal(await store.passwordRefused('enduser', 'pkid-alice', 'never was right'), 0);
    assert.equal(await store.passwordRefused('enduser', 'pkid-alice', 'changed'), 1);
    assert.equal(await store.find(current.key), undefined);
    assert.ok(await store.find(other.key));
  });

  it('gives one-time passwords that are good once, for their user, for five minutes, while the session lives', async () => {
    const { session } = await store.open(request('alice'));
    const token = await store.issueToken(session);
    assert.match(token, /^[\w-]{32}$/);
    assert.equal((await store.redeemToken(token, 'ALICE'))?.id, session.id);
    assert.equal(await store.redeemToken(token, 'alice'), undefined);
    assert.equal(await store.redeemToken(await store.issueToken(session), 'bob'), undefined);
    const late = await store.issueToken(session);
    await clock.advance(300_000);
    assert.equal(await store.redeemToken(late, 'alice'), undefined);
    const orphan = await store.issueToken(session);
    await store.end(session);
    assert.equal(await store.redeemToken(orphan, 'alice'), undefined);
    await assert.rejects(store.issueToken(session), (error) => error instanceof ImpError && error.kind === 'not-found');
  });

  it('hands a one-time password to only one of two that use it at once, and keeps just the newest ten', async () => {
    const { session } = await store.open(request('alice'));
    const token = await store.issueToken(session);
    const answers = await Promise.all([store.redeemToken(token, 'alice'), store.redeemToken(token, 'alice')]);
    assert.equal(answers.filter((answer) => answer !== undefined).length, 1);
    const tokens: string[] = [];
    for (let each = 0; each < 11; each += 1) {
      tokens.push(await store.issueToken(session));
      await clock.advance(10);
    }
    assert.equal(await store.redeemToken(tokens[0] as string, 'alice'), undefined);
    assert.ok(await store.redeemToken(tokens[1] as string, 'alice'));
  });

  it('knows which keys the Presence Web Service takes', async () => {
    for (const [clientType, isShared] of [
      ['thirdpartyapp', true],
      ['thirdclient', true],
      ['CUPC', false],
      ['', false],
    ] as const) {
      assert.equal(store.isShared((await store.open(request('alice', { clientType }))).session), isShared, clientType);
    }
  });

  it('keeps sessions over its own restart, says "unavailable" while it is stopped, and forgets orphans at the start', async () => {
    const { key } = await store.open(request('alice'));
    const application = await store.open(asApplication());
    await store.open(asClientOf(application.session, 'bob'));
    assert.equal(store.detail(), 'holds 3 client sessions');
    await scope.close();
    const isAway = (error: unknown): boolean => error instanceof ImpError && error.kind === 'unavailable';
    await assert.rejects(store.find(key), isAway);
    await assert.rejects(store.open(request('alice')), isAway);
    await clock.advance(23 * HOUR_MS);
    await start();
    assert.ok(await store.find(key));
    await scope.close();
    await clock.advance(2 * HOUR_MS);
    await start();
    assert.ok(await store.find(key));
    assert.equal(store.detail(), 'holds 1 client session');
  });

  it('writes into every row which node serves it, in which epoch', async () => {
    const { key, session } = await store.open(request('alice'));
    assert.deepEqual(session.servedBy, { node: 'imp1', epoch: 0 });
    servedBy = { node: 'imp2', epoch: 7 };
    assert.deepEqual((await store.find(key))?.servedBy, { node: 'imp1', epoch: 0 }, 'use alone takes nothing over');
    const again = await store.open(request('alice'));
    assert.equal(again.key, key);
    assert.deepEqual((await store.find(key))?.servedBy, servedBy);
    const token = await store.issueToken(again.session);
    const tokens = engine.open(tokenDefinition(1));
    const rows: RowOwner[] = [];
    for await (const { value } of tokens.entries()) rows.push(value.servedBy);
    assert.deepEqual(rows, [servedBy]);
    assert.ok(await store.redeemToken(token, 'alice'));
  });

  it('counts for each store: rows, writes, what expired and what made room', async () => {
    for (let type = 0; type < 12; type += 1) await store.open(request('alice', { clientType: `type ${type}` }));
    const { session } = await store.open(request('bob'));
    for (let count = 0; count < 11; count += 1) await store.issueToken(session);
    const counted = async (): Promise<string> => (await metrics.render()).replaceAll(/^#.*\n/gm, '');
    const before = await counted();
    for (const line of [
      'datastore_rows{store="login"} 11',
      'datastore_rows{store="login-token"} 10',
      'datastore_evicted_total{store="login"} 2',
      'datastore_evicted_total{store="login-token"} 1',
      'datastore_writes_total{store="login"} 15',
    ]) {
      assert.ok(before.includes(`${line}\n`), `${line} in\n${before}`);
    }
    await clock.advance(25 * HOUR_MS);
    assert.match(await counted(), /datastore_expired_total\{store="login"\} 11\n/);
    assert.match(await counted(), /datastore_rows\{store="login-token"\} 0\n/);
  });

  it('tells log-ins to try later when it is full', async () => {
    const small = createLoginDatastore(
      { engine: createMemoryEngine({ clock, metrics, log }), clock, log, metrics, servedBy: () => servedBy },
      loginDatastoreDescriptor.options.parse({ maxSessions: 1 }),
    );
    const own = createScope(clock, (error) => failures.push(error));
    await small.start(own);
    await small.open(request('alice'));
    await assert.rejects(
      small.open(request('bob')),
      (error) => error instanceof ImpError && error.kind === 'unavailable',
    );
    await own.close();
  });
});

describe('turns', () => {
  it('runs tasks of a key one after the other, and goes on after a failure', async () => {
    const inTurn = createTurns();
    const seen: string[] = [];
    const task =
      (name: string, fails = false) =>
      async (): Promise<string> => {
        seen.push(`${name} begins`);
        await Promise.resolve();
        seen.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      };
    const answers = await Promise.allSettled([
      inTurn('k', task('a', true)),
      inTurn('k', task('b')),
      inTurn('other', task('c')),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      ['rejected', 'fulfilled', 'fulfilled'],
    );
    assert.deepEqual(
      seen.filter((each) => !each.startsWith('c')),
      ['a begins', 'a ends', 'b begins', 'b ends'],
    );
  });
});
