import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAxlClient } from '../../src/axl/client.ts';
import { createCredentialCheck } from '../../src/axl/credential-check.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { startMock } from '../mock-cucm/mock-world.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { openTestIds } from '../support/test-ids.ts';

const log = createLog({ level: 'silent' });

async function createWorld() {
  await using stack = new AsyncDisposableStack();
  const mock = stack.use(await startMock());
  const test = stack.use(await openTestIds());
  const clock = new FakeClock();
  const axl = createAxlClient({
    url: `${mock.base}/axl/`,
    user: 'administrator',
    password: () => 'Imp-demo-1',
    ca: mock.ca,
    clock: systemClock,
    log,
  });
  stack.defer(() => axl[Symbol.asyncDispose]());
  const make = () => createCredentialCheck({ axl, ids: test.ids, clock, log, metrics: test.metrics });
  const check = make();
  const parts = stack.move();
  return {
    mock,
    test,
    clock,
    check,
    make,
    /** Verifiers are made in the background: waits for those under way. */
    stored: () => check[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

describe('password check', () => {
  it('lets CUCM judge end users and application users', async () => {
    await using world = await createWorld();
    const { check } = world;
    assert.equal(await check.check('enduser', 'alice', 'Imp-demo-1'), 'match');
    assert.equal(await check.check('enduser', 'ALICE', 'Imp-demo-1'), 'match', 'without regard to case');
    assert.equal(await check.check('enduser', 'alice', 'imp-demo-1'), 'mismatch');
    assert.equal(await check.check('enduser', 'nobody', 'Imp-demo-1'), 'mismatch');
    assert.equal(await check.check('enduser', 'alice', ''), 'mismatch');
    assert.equal(await check.check('applicationuser', 'appuser', 'Imp-demo-1'), 'match', 'without an AXL role too');
    assert.equal(await check.check('applicationuser', 'appuser', 'wrong'), 'mismatch');
    assert.equal(await check.check('applicationuser', 'alice', 'wrong'), 'mismatch');
    await world.stored();
  });

  it('remembers a match for a minute, a mismatch never', async () => {
    await using world = await createWorld();
    const { check, clock, mock } = world;
    assert.equal(await check.check('enduser', 'alice', 'Imp-demo-1'), 'match');
    await world.stored();
    await mock.axl('updateUser', '<userid>alice</userid><password>Other-1</password>');
    assert.equal(await check.check('enduser', 'alice', 'Imp-demo-1'), 'match', 'CUCM was not asked');
    assert.equal(await check.check('enduser', 'alice', 'Other-1'), 'match');
    assert.equal(await check.check('enduser', 'alice', 'Imp-demo-1'), 'mismatch', 'only the latest is remembered');
    await clock.advance(60_001);
    assert.equal(await check.check('enduser', 'alice', 'Imp-demo-1'), 'mismatch');
    await world.stored();
  });

  it('signs known users in while CUCM is away, and calls nobody wrong', async () => {
    await using world = await createWorld();
    const { check, make, clock, mock } = world;
    assert.equal(await check.check('enduser', 'alice', 'Imp-demo-1'), 'match');
    await world.stored();
    await mock.mock[Symbol.asyncDispose]();
    // Another one: what is remembered in memory is gone, as after a restart.
    await using later = make();
    assert.equal(await later.check('enduser', 'alice', 'Imp-demo-1'), 'match');
    assert.equal(await later.check('enduser', 'alice', 'perhaps new'), 'unavailable');
    assert.equal(await later.check('enduser', 'bob', 'Imp-demo-1'), 'unavailable');
    await clock.advance(8 * 24 * 3_600_000);
    assert.equal(await later.check('enduser', 'alice', 'Imp-demo-1'), 'unavailable', 'a verifier lives a week');
  });

  it('takes no fault of CUCM for a wrong password, but that there is no such user', async () => {
    await using world = await createWorld();
    await world.mock.setFaults({ 'error-rate': '100%' });
    assert.equal(await world.check.check('enduser', 'dave', 'Imp-demo-1'), 'unavailable');
    await world.mock.setFaults({ 'error-rate': '0%' });
    assert.equal(await world.check.check('enduser', 'dave', 'Imp-demo-1'), 'match');
    await world.stored();
  });

  it('keeps no password', async () => {
    await using world = await createWorld();
    await world.check.check('enduser', 'alice', 'Imp-demo-1');
    await world.stored();
    const rows = await world.test.ids.read.selectFrom('credentialverifier').selectAll().execute();
    assert.equal(rows.length, 1);
    assert.ok(!JSON.stringify(rows).includes('Imp-demo-1'));
    assert.equal(Buffer.from(rows[0]?.salt ?? '', 'base64').length, 16);
    const logged = await world.test.ids.read.selectFrom('change_log').selectAll().execute();
    assert.equal(logged.length, 0, 'and tells nobody of it');
  });
});
