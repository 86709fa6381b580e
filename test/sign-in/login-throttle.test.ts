import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createLoginThrottle,
  type LoginThrottle,
  type LoginThrottleOptions,
} from '../../src/sign-in/login-throttle.ts';
import { FakeClock, turn } from '../support/fake-clock.ts';

const OPTIONS: LoginThrottleOptions = {
  wrongPasswordsPerUser: 3,
  wrongPasswordsPerAddress: 5,
  lockoutSeconds: 60,
  exemptNetworks: [],
};

describe('login throttle', () => {
  const wrong = async (throttle: LoginThrottle, user: string, address: string): Promise<boolean> => {
    const attempt = await throttle.begin(user, address);
    attempt?.count();
    return attempt !== undefined;
  };

  it('checks nothing of a user after the measure is full, in any case of the name, for the whole window', async () => {
    const clock = new FakeClock();
    const throttle = createLoginThrottle(clock, OPTIONS);
    for (let each = 0; each < 3; each += 1) assert.equal(await wrong(throttle, 'alice', `10.0.0.${each}`), true);
    assert.equal(await wrong(throttle, 'ALICE', '10.0.0.9'), false);
    await clock.advance(59_999);
    assert.equal(await wrong(throttle, 'alice', '10.0.0.9'), false);
    await clock.advance(1);
    assert.equal(await wrong(throttle, 'alice', '10.0.0.9'), true);
  });

  it('counts an address over all users, but for networks that are exempt', async () => {
    const exemptNetworks = ['127.0.0.0/8', '::1', '10.1.0.0/16', '10.2.0.1'];
    const throttle = createLoginThrottle(new FakeClock(), { ...OPTIONS, exemptNetworks });
    const tries = async (address: string): Promise<number> => {
      let passed = 0;
      for (let each = 0; each < 7; each += 1) if (await wrong(throttle, `${address} ${each}`, address)) passed += 1;
      return passed;
    };
    for (const address of ['127.0.0.1', '::ffff:127.9.9.9', '::1', '10.1.200.3', '10.2.0.1']) {
      assert.equal(await tries(address), 7, address);
    }
    for (const address of ['10.2.0.2', '::2', '192.0.2.1', '']) assert.equal(await tries(address), 5, address);
  });

  it('does not count what is forgiven: any number of right passwords, one after the other or at once', async () => {
    const throttle = createLoginThrottle(new FakeClock(), OPTIONS);
    let passed = 0;
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const attempt = await throttle.begin('alice', '192.0.2.1');
        await turn();
        attempt?.forgive();
        if (attempt) passed += 1;
      }),
    );
    assert.equal(passed, 50);
  });

  it('lets no more be checked at once than may be wrong: the others wait, then are refused', async () => {
    const throttle = createLoginThrottle(new FakeClock(), OPTIONS);
    let checked = 0;
    let refused = 0;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const attempt = await throttle.begin('alice', '192.0.2.1');
        if (!attempt) {
          refused += 1;
          return;
        }
        checked += 1;
        await turn();
        attempt.count();
      }),
    );
    assert.deepEqual([checked, refused], [3, 17]);
  });
});
