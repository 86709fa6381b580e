import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Agent, request } from 'undici';
import { checkFault, createFaultSwitches, FAULTS, parseFaults } from '../../src/mock-cucm/faults.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { testCertificates } from '../support/test-certificates.ts';
import { basic, type MockWorld, PASSWORD, startMock } from './mock-world.ts';

const ping = async (world: MockWorld): Promise<number> => (await world.ask('getCCMVersion', '')).status;
const write = async (world: MockWorld): Promise<number> =>
  (await world.ask('updateUser', '<userid>alice</userid><title>x</title>')).status;

describe('fault switches', () => {
  it('are read from the command line, and a name that is none is told those that are', () => {
    assert.deepEqual(parseFaults(['throttle=3', 'down', 'latency=250ms']), [
      { name: 'throttle', value: '3' },
      { name: 'down', value: 'on' },
      { name: 'latency', value: '250ms' },
    ]);
    assert.throws(() => parseFaults(['flood=1']), {
      code: 'mock-cucm.fault-name',
      message: `there is no fault flood: there are ${FAULTS.map((each) => each.name).join(', ')}`,
    });
    for (const wrong of ['throttle=many', 'error-rate=2', 'latency=soon', 'password-change=', 'versions=new']) {
      assert.throws(() => parseFaults([wrong]), { code: 'mock-cucm.fault-value' }, wrong);
    }
    assert.equal(checkFault('error-rate', '10%').value, '10%');
  });

  it('count down, and spread errors evenly', async () => {
    const faults = createFaultSwitches(() => undefined);
    await faults.set('throttle', '2');
    await faults.set('error-rate', '25%');
    assert.deepEqual(
      [1, 2, 3].map(() => faults.take('throttle')),
      [true, true, false],
    );
    assert.equal(Array.from({ length: 100 }, () => faults.take('error-rate')).filter(Boolean).length, 25);
    await faults.set('garbage', 'on');
    assert.ok(faults.take('garbage') && faults.take('garbage'));
    await faults.clear();
    assert.deepEqual(faults.list(), {});
  });

  it('are shown, set and cleared at /faults, by who may write', async () => {
    await using world = await startMock({ faults: parseFaults(['throttle=1']) });
    const headers = { authorization: basic('administrator', PASSWORD) };
    const shown = JSON.parse((await world.raw('/faults', { headers })).body);
    assert.deepEqual(shown.set, { throttle: '1' });
    assert.equal(shown.faults.length, FAULTS.length);
    assert.equal((await world.raw('/faults')).status, 401);
    assert.equal(
      (await world.raw('/faults', { headers: { authorization: basic('axlreader', PASSWORD) } })).status,
      401,
    );
    const unknown = await world.setFaults({ latency: 5, flood: 1 });
    assert.equal(unknown.status, 400);
    assert.match(unknown.body, /there is no fault flood: there are latency, error-rate/);
    assert.deepEqual(
      JSON.parse((await world.raw('/faults', { headers })).body).set,
      { throttle: '1' },
      'all or nothing',
    );
    const form = await world.raw('/faults', {
      method: 'PUT',
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: 'memory=2&throttle=off',
    });
    assert.deepEqual(JSON.parse(form.body).set, { memory: '2' });
    assert.deepEqual(JSON.parse((await world.raw('/faults', { method: 'DELETE', headers })).body).set, {});
    assert.equal((await world.raw('/faults', { method: 'POST', headers, body: 'x' })).status, 400);
  });

  it('throttle writes with 503, and exhaust memory with a fault', async () => {
    await using world = await startMock();
    await world.setFaults({ throttle: 2, memory: 1 });
    const spent = await world.fault('getCCMVersion', '');
    assert.equal(spent.code, -1);
    assert.match(spent.message, /^Maximum AXL Memory Allocation Consumed/);
    assert.equal(await ping(world), 200, 'reads are not throttled');
    assert.deepEqual([await write(world), await write(world), await write(world)], [503, 503, 200]);
  });

  it('stop the service, take the server away, spoil answers', async () => {
    await using world = await startMock();
    await world.setFaults({ stopped: true });
    assert.equal(await ping(world), 404);
    await world.setFaults({ stopped: false, garbage: 1, 'error-rate': 0 });
    assert.ok(!(await world.ask('getCCMVersion', '')).body.includes('Envelope'));
    await world.setFaults({ truncate: 1 });
    await assert.rejects(world.ask('getCCMVersion', ''));
    assert.equal(await ping(world), 200);
    await world.setFaults({ down: 'on' });
    await assert.rejects(ping(world));
    await world.setFaults({ down: 'off' });
    assert.equal(await ping(world), 200);
    await world.setFaults({ versions: '12.5' });
    assert.equal(await ping(world), 599);
    await world.setFaults({ versions: 'off', 'error-rate': 1 });
    assert.equal((await world.fault('getCCMVersion', '')).code, 5000);
  });

  it('delay answers by the clock', async () => {
    const clock = new FakeClock();
    await using world = await startMock({ clock });
    await world.setFaults({ latency: '5s' });
    let isDone = false;
    const slow = ping(world).then((status) => {
      isDone = true;
      return status;
    });
    while (clock.pending === 0 || isDone) await clock.advance(0);
    await clock.advance(4_000);
    assert.equal(isDone, false);
    while (!isDone) await clock.advance(1_000);
    assert.equal(await slow, 200);
  });

  it('change the password, restart, and show a certificate that has run out', async () => {
    const { issue } = await testCertificates();
    await using world = await startMock({ expiredTls: () => issue(['127.0.0.1'], -1) });
    await world.setFaults({ 'password-change': 'another' });
    assert.equal(await ping(world), 401);
    assert.equal((await world.ask('getCCMVersion', '', { password: 'another' })).status, 200);
    const headers = { authorization: basic('administrator', 'another'), 'content-type': 'application/json' };
    const set = (faults: object): Promise<unknown> =>
      world.raw('/faults', { method: 'POST', headers, body: JSON.stringify(faults) });
    await set({ 'password-change': `administrator:${PASSWORD}` });
    const { 'set-cookie': cookie } = (await world.ask('getCCMVersion', '')).headers;
    await world.setFaults({ restart: 'now' });
    const session = { authorization: undefined, cookie: String(cookie).split(';')[0] };
    await using agents = new AsyncDisposableStack();
    const agent = (connect: object): Agent => agents.adopt(new Agent({ connect }), (each) => each.destroy());
    const fresh = agent({ ca: world.ca });
    const answer = await request(`${world.base}/axl/`, {
      dispatcher: fresh,
      headers: { cookie: session.cookie ?? '' },
    });
    assert.equal(answer.statusCode, 404, 'sessions are gone');
    await answer.body.dump();
    await world.setFaults({ 'expired-certificate': 'on' });
    const strict = agent({ ca: world.ca });
    await assert.rejects(request(`${world.base}/axl/`, { dispatcher: strict }), { code: 'CERT_HAS_EXPIRED' });
    const lax = agent({ rejectUnauthorized: false });
    const off = await request(`${world.base}/faults`, {
      method: 'DELETE',
      dispatcher: lax,
      headers: { authorization: basic('administrator', PASSWORD) },
    });
    assert.equal(off.statusCode, 200);
    await off.body.dump();
    assert.equal(await ping(world), 200);
  });
});
