import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { DOMAIN, openPwsWorld, type PwsWorld, userRow } from '../services/presence-web-service/pws-world.ts';
import { testCertificates } from '../support/test-certificates.ts';
import { PresenceApplication, restFace, soapFace } from './presence-application.ts';

/** Of each application; by hand it has been run with 500. */
const USERS = Number(process.env.IMP_PRESENCE_USERS ?? 250);
/** For what takes a second or two on a machine that has nothing else to do. */
const LONGEST_MS = 60_000;
/** Whom everybody watches. */
const STAR = 'bob';
const uriOf = (user: string): string => `${user}@${DOMAIN}`;

/** Each user watches the next one, and all watch one more. */
function ring(prefix: string): ReadonlyMap<string, readonly string[]> {
  const nameOf = (index: number): string => `${prefix}${String(index % USERS).padStart(3, '0')}`;
  const contactsOf = (index: number): readonly string[] => [nameOf(index + 1), STAR].map(uriOf);
  return new Map(Array.from({ length: USERS }, (_, index) => [nameOf(index), contactsOf(index)]));
}

const RINGS = { rest: ring('rest'), soap: ring('soap') };

describe(`a REST and a SOAP application, each with ${USERS} users and an endpoint of its own`, () => {
  let world: PwsWorld;
  let applications: readonly PresenceApplication[] = [];
  let star: string;
  /** Calls that every subscription has had. */
  let called = 0;

  before(
    async () => {
      const { ca, tls } = await testCertificates();
      world = await openPwsWorld({ ca, options: { requestsPerSecond: 100_000, requestBurst: 1_000_000 } });
      await world.test.ids.transaction('cucm', async (trx) => {
        for (const userid of [...RINGS.rest.keys(), ...RINGS.soap.keys()]) {
          await trx.insertInto('enduser').values(userRow({ userid })).execute();
        }
      });
      await world.settle();
      star = await world.signIn(STAR, await world.signInApplication());
      applications = await Promise.all([
        PresenceApplication.open(restFace(world), 'appuser', RINGS.rest),
        // The callbacks of this one go out over verified TLS.
        PresenceApplication.open(soapFace(world), 'other', RINGS.soap, tls),
      ]);
    },
    { timeout: 120_000 },
  );
  after(async () => {
    for (const each of applications) await each[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  const outcomes = async (outcome: string): Promise<number> => {
    const text = await world.test.metrics.render();
    return Number(new RegExp(`pws_callbacks_total\\{outcome="${outcome}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
  };
  const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
    const end = performance.now() + LONGEST_MS;
    while (!(await isSo())) {
      const seen = async () => ({
        calls: applications.map(({ calls }) => calls - called * USERS),
        idle: applications.map(({ isIdle }) => isIdle),
        done: await outcomes('done'),
        failed: await outcomes('failed'),
        'given-up': await outcomes('given-up'),
      });
      assert.ok(performance.now() < end, JSON.stringify(await seen()));
      await setTimeout(10);
    }
  };
  const untilFailed = (count: number): Promise<void> => until(async () => (await outcomes('failed')) >= count);
  /** Every user's contact changes. */
  const changeEverybody = async (stateOf: (index: number) => string): Promise<void> => {
    const users = applications.flatMap(({ subscriptions }) => [...[...subscriptions.values()].entries()]);
    const setSome = async (): Promise<void> => {
      for (let next = users.pop(); next; next = users.pop()) {
        const [index, { key, user }] = next;
        await world.setBasic(key, user, stateOf(index));
      }
    };
    await Promise.all(Array.from({ length: 8 }, setSome));
  };
  const changeStar = (state: string) => world.setBasic(star, STAR, state);
  /** Every subscription has been called so many times more, not once more than that, and shows these states. */
  const expectCalls = async (more: number, next: (index: number) => string, starState: string): Promise<void> => {
    called += more;
    await until(() => applications.every((each) => each.isIdle && each.calls >= called * USERS));
    // What is done is counted after the answer: whoever else was to be called has been by then.
    await until(async () => (await outcomes('done')) >= 2 * called * USERS);
    await world.settle();
    for (const { subscriptions, isIdle } of applications) {
      assert.ok(isIdle);
      assert.equal(subscriptions.size, USERS);
      let index = 0;
      for (const { calls, fetched, user } of subscriptions.values()) {
        assert.equal(calls, called, user);
        // The next one in the ring is who comes next in the order of subscriptions.
        assert.deepEqual(fetched.at(-1), [next((index + 1) % USERS), starState], user);
        index += 1;
      }
    }
  };
  const limit = { timeout: 120_000 };

  it('are called once for each new subscription', limit, () => expectCalls(1, () => 'UNAVAILABLE', 'UNAVAILABLE'));

  it('hear of each change once, and of one that all watch once for each subscription', limit, async () => {
    await changeEverybody(() => 'AWAY');
    await expectCalls(1, () => 'AWAY', 'UNAVAILABLE');
    await changeStar('BUSY');
    await expectCalls(1, () => 'AWAY', 'BUSY');
    await changeEverybody((index) => (index % 2 === 0 ? 'BUSY' : 'AVAILABLE'));
    await expectCalls(1, (index) => (index % 2 === 0 ? 'BUSY' : 'AVAILABLE'), 'BUSY');
  });

  it(
    'that are down for a moment are called once by a later attempt, for all that changed meanwhile',
    limit,
    async () => {
      await Promise.all(applications.map(({ receiver }) => receiver.goDown()));
      const before = await outcomes('failed');
      await changeEverybody(() => 'VACATION');
      await untilFailed(before + 2 * USERS);
      await world.clock.advance(1_000);
      await untilFailed(before + 4 * USERS);
      await changeStar('AWAY');
      await world.clock.advance(5_000);
      await untilFailed(before + 6 * USERS);
      await changeStar('AVAILABLE');
      await Promise.all(applications.map(({ receiver }) => receiver.comeBack()));
      await world.clock.advance(30_000);
      await expectCalls(1, () => 'VACATION', 'AVAILABLE');
      assert.equal(await outcomes('given-up'), 0);
    },
  );

  it('that are down for a minute are called once at the next change, and then miss nothing', limit, async () => {
    await Promise.all(applications.map(({ receiver }) => receiver.goDown()));
    const before = await outcomes('failed');
    await changeEverybody(() => 'BUSY');
    for (const [attempt, pause] of [1_000, 5_000, 30_000].entries()) {
      await untilFailed(before + (attempt + 1) * 2 * USERS);
      await world.clock.advance(pause);
    }
    await until(async () => (await outcomes('given-up')) >= 2 * USERS);
    await world.clock.advance(24_000);
    await Promise.all(applications.map(({ receiver }) => receiver.comeBack()));
    await world.clock.advance(60_000);
    await world.settle();
    for (const each of applications) assert.equal(each.calls, called * USERS, 'nothing has changed since');
    // Who was away may fetch without being called.
    const [first] = applications[0]?.subscriptions.entries() ?? [];
    assert.ok(first);
    const [id, { user, key }] = first;
    assert.deepEqual(await restFace(world).fetch(key, user, id), ['BUSY', 'AVAILABLE']);
    await changeStar('AWAY');
    await expectCalls(1, () => 'BUSY', 'AWAY');
  });

  it('know the last state of everybody after a storm of changes, however these meet the fetches', limit, async () => {
    const states = ['AVAILABLE', 'AWAY', 'VACATION'];
    for (const [round, state] of states.entries()) {
      await Promise.all([changeEverybody((index) => states[(index + round) % states.length] ?? ''), changeStar(state)]);
    }
    const last = (index: number): string => states[(index + states.length - 1) % states.length] ?? '';
    await until(() =>
      applications.every(({ isIdle, subscriptions }) =>
        [...subscriptions.values()].every(
          ({ fetched }, index) => isIdle && fetched.at(-1)?.join() === `${last((index + 1) % USERS)},VACATION`,
        ),
      ),
    );
    await until(async () => (await outcomes('done')) === applications.reduce((sum, { calls }) => sum + calls, 0));
  });
});
